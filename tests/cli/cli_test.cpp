// The program as a user starts it: what it prints, and how it fails. Bad input gives exit code 1
// and one line that says what is wrong, where, and what to do.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "model/weights/safetensors_writer.h"
#include "rig/models.h"

namespace kilotoken::test {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int exit_code = -1;
  std::string out, err;
  int64_t peak_resident_bytes = 0;
};

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kilotoken-cli-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override { fs::remove_all(dir_); }

  // Runs the program; standard output goes to a file, or to `out_path`.
  Outcome run(std::vector<std::string> arguments, const std::string& out_path = {}) {
    const fs::path out = out_path.empty() ? dir_ / "out" : fs::path(out_path);
    const fs::path err = dir_ / "err";
    const pid_t child = fork();
    if (child == 0) {
      dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
      dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      std::vector<char*> argv{const_cast<char*>(KILOTOKEN_BINARY)};
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(KILOTOKEN_BINARY, argv.data());
      _exit(127);
    }
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    Outcome outcome;
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.out = out_path.empty() ? slurp(out) : "";
    outcome.err = slurp(err);
    outcome.peak_resident_bytes = int64_t{usage.ru_maxrss} * 1024;
    return outcome;
  }

  // Exit code 1 and one line holding every word.
  void expect_refused(const Outcome& outcome, const std::vector<std::string>& words) {
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    for (const std::string& word : words) {
      EXPECT_NE(outcome.err.find(word), std::string::npos) << word << " in: " << outcome.err;
    }
  }

  fs::path demo_copy() {
    const fs::path copy = dir_ / "model";
    fs::copy(resolve_model("demo").value(), copy);
    return copy;
  }

  fs::path dir_;
};

void replace_in_file(const fs::path& path, const std::string& from, const std::string& to) {
  std::string text = slurp(path);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  std::ofstream(path, std::ios::binary) << text;
}

TEST_F(Cli, TellsItsVersionAndKernelTables) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.out.find("reference"), std::string::npos) << outcome.out;
}

TEST_F(Cli, GreedyTextIsTheSameEachTime) {
  const std::vector<std::string> arguments{
      "generate",     "demo", "--prompt",      "Once upon a time",
      "--max-tokens", "40",   "--temperature", "0"};
  const Outcome first = run(arguments), second = run(arguments);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_GT(first.out.size(), 40u);
  EXPECT_EQ(first.out, second.out);
  EXPECT_NE(first.err.find("kernels: "), std::string::npos) << "every run names its kernel table";
}

TEST_F(Cli, PrintsThePublishedGreedyText) {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
  const std::string stories = std::string(data) + "/stories260K";
  const std::string expected = slurp(stories + "/reference/runc_greedy_200.txt");
  for (const char* model : {"/gguf/stories260K-f32.gguf", "/hf"}) {
    const Outcome outcome = run(
        {"generate", stories + model, "--prompt", "", "--max-tokens", "200", "--temperature", "0"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, expected) << model;
  }
}

TEST_F(Cli, AFullDiskIsAnError) {
  expect_refused(run({"generate", "demo", "--prompt", "a", "--max-tokens", "4"}, "/dev/full"),
                 {"standard output", "No space left"});
}

TEST_F(Cli, APortInUseIsAnError) {
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  socklen_t size = sizeof address;
  getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const Outcome outcome = run({"serve", "demo", "--port", port});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find(port), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("--port"), std::string::npos) << outcome.err;
  close(taken);
}

TEST_F(Cli, UnknownNamesAreRefused) {
  expect_refused(run({"generate", "no/such/model", "--prompt", "a"}), {"no/such/model", "demo"});
  expect_refused(run({"generate", "demo", "--prompt", "a", "--no-such-flag"}), {"--no-such-flag"});
  expect_refused(run({"generate", dir_.string(), "--prompt", "a"}), {"config.json"});
  setenv("KILOTOKEN_ISA", "nonsense", 1);
  expect_refused(run({"generate", "demo", "--prompt", "a"}), {"nonsense", "reference"});
  unsetenv("KILOTOKEN_ISA");
}

TEST_F(Cli, EvaluatesIntoATableAndJson) {
  const fs::path data = dir_ / "texts.jsonl", json = dir_ / "out.json";
  std::ofstream(data) << R"({"text": "Once upon a time, there was a fox."})"
                      << "\n"
                      << R"({"text": "The end."})"
                      << "\n";
  const Outcome outcome = run({"eval", "demo", "--task", "kl", "--rounded-as", "int8", "--data",
                               data.string(), "--output-path", json.string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("|kl   |      1|none  |     0|kl_divergence"), std::string::npos)
      << outcome.out;
  EXPECT_NE(slurp(json).find("\"kl_divergence_stderr,none\""), std::string::npos);
  for (const std::string task : {"multiple_choice", "multiple_choice_continuation"}) {
    const Outcome choice = run({"eval", "demo", "--task", task, "--limit", "2"});
    EXPECT_EQ(choice.exit_code, 0) << choice.err;
    EXPECT_NE(choice.out.find("|" + task + "_sums "), std::string::npos) << choice.out;
  }
}

TEST_F(Cli, AnEvaluationThatCannotBeIsRefused) {
  expect_refused(run({"eval", "demo", "--task", "poetry"}), {"poetry", "perplexity"});
  expect_refused(run({"eval", "demo", "--task", "kl"}), {"--reference", "--rounded-as"});
  expect_refused(run({"eval", "demo", "--task", "perplexity", "--data", "no/such"}), {"no/such"});
  expect_refused(run({"eval", "demo", "--task", "multiple_choice", "--num-fewshot", "9"}),
                 {"5 dev questions", "9 shots"});
}

TEST_F(Cli, MeasurementsThatCannotBeAreRefused) {
  std::ofstream(dir_ / "a.json") << R"({"request_throughput": 2, "failed": 0})"
                                 << "\n";
  const std::string file = (dir_ / "a.json").string();
  expect_refused(run({"bench", "compare", file, file, "--num-prompts", "3"}),
                 {"--num-prompts", "--other-url"});
  const Outcome compared = run({"bench", "compare", file, file});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_NE(compared.out.find("request_throughput"), std::string::npos) << compared.out;
  expect_refused(run({"bench", "sweep", "--slo-search"}), {"--slo-search", "--goodput"});
  expect_refused(run({"bench", "serve", "--repeat", "2", "--report", "x.html"}),
                 {"--report", "--repeat"});
}

TEST_F(Cli, AnUnknownArchitectureIsNamed) {
  const fs::path model = demo_copy();
  replace_in_file(model / "config.json", "LlamaForCausalLM", "Foo");
  expect_refused(run({"generate", model.string(), "--prompt", "a"}),
                 {"\"Foo\"", "LlamaForCausalLM"});
}

TEST_F(Cli, AnImpossibleHeaderIsRefused) {
  const fs::path model = demo_copy();
  std::string bytes = slurp(model / "model.safetensors");
  bytes.replace(0, 8, std::string("\0\0\0\0\0\0\0\x10", 8));  // 2^60
  std::ofstream(model / "model.safetensors", std::ios::binary) << bytes;
  expect_refused(run({"generate", model.string(), "--prompt", "a"}), {"model.safetensors"});
}

TEST_F(Cli, ATruncatedFileIsRefused) {
  const fs::path model = demo_copy();
  fs::resize_file(model / "model.safetensors", fs::file_size(model / "model.safetensors") - 100);
  expect_refused(run({"generate", model.string(), "--prompt", "a"}),
                 {"model.safetensors", "truncated"});
}

// A sparse file of 4 TiB: refused from its size, before anything is read.
TEST_F(Cli, AModelLargerThanMemoryIsRefusedWithTheNumbers) {
  const fs::path model = demo_copy();
  const int64_t rows = int64_t{1} << 30, columns = 1024;
  const std::string header = R"({"model.embed_tokens.weight":{"dtype":"F32","shape":[)" +
                             std::to_string(rows) + "," + std::to_string(columns) +
                             R"(],"data_offsets":[0,)" + std::to_string(rows * columns * 4) + "]}}";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  std::ofstream(model / "model.safetensors", std::ios::binary) << bytes << header;
  std::error_code error;
  fs::resize_file(
      model / "model.safetensors",
      static_cast<uintmax_t>(8 + header.size()) + static_cast<uintmax_t>(rows * columns * 4),
      error);
  if (error) GTEST_SKIP() << "this file system holds no sparse file of 4 TiB: " << error.message();
  expect_refused(run({"generate", model.string(), "--prompt", "a"}), {"4194304.0 MiB", "memory"});
}

TEST_F(Cli, AShapeRunsWithoutWeights) {
  const fs::path model = demo_copy();
  fs::remove(model / "model.safetensors");
  const std::vector<std::string> dummy = {"generate",      model.string(),
                                          "--load-format", "dummy",
                                          "--num-layers",  "2",
                                          "--prompt",      "a",
                                          "--max-tokens",  "5",
                                          "--temperature", "0"};
  const Outcome first = run(dummy), second = run(dummy);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(first.out, second.out);
}

TEST_F(Cli, AMadeModelThatCannotBeIsRefused) {
  const std::vector<std::string> prompt = {"--prompt", "a"};
  const auto refused = [&](std::vector<std::string> arguments, std::vector<std::string> words) {
    arguments.insert(arguments.begin(), "generate");
    arguments.insert(arguments.end(), prompt.begin(), prompt.end());
    expect_refused(run(arguments), words);
  };
  refused({"gpt-5", "--load-format", "dummy"}, {"gpt-5", "llama-3-8b"});
  refused({"llama-3-70b", "--load-format", "dummy", "--num-layers", "2000"},
          {"llama-3-70b", "MiB", "memory"});
  // More than there are addresses.
  refused({"llama-3-70b", "--load-format", "dummy", "--num-layers", "100000"},
          {"llama-3-70b", "cannot reserve", "memory"});
  refused({"demo", "--load-format", "inflated"}, {"--config-shape"});
  refused(
      {"demo", "--load-format", "inflated", "--config-shape", "llama-3-8b", "--num-layers", "1"},
      {"number of layers is 1"});
  refused({"demo", "--num-layers", "3"}, {"--num-layers", "--load-format"});
}

// Weights are used where they are mapped: no second copy, whatever their type.
TEST_F(Cli, PeakMemoryIsTheFileAndTheKvCache) {
#ifdef KILOTOKEN_SANITIZED
  GTEST_SKIP() << "a sanitizer's own memory counts too";
#endif
  const fs::path model = demo_copy();
  const TestModel wide = random_wide_model(reference_kernels());
  std::map<std::string, Tensor> tensors;
  constexpr int kLayers = 16;
  for (const std::string& name : wide.files.weights->names()) {
    const Tensor tensor = *wide.files.weights->find(name);
    tensors[name] = tensor;
    const size_t layer = name.find("layers.0.");
    for (int i = 2; layer != std::string::npos && i < kLayers; ++i) {
      std::string copy = name;
      tensors[copy.replace(layer + 7, 1, std::to_string(i))] = tensor;
    }
  }
  const int vocab =
      load_test_model("demo", model.string(), reference_kernels()).files.config.vocab_size;
  const std::vector<std::byte> table(static_cast<size_t>(vocab) * 1024 * sizeof(BFloat16));
  tensors["model.embed_tokens.weight"] = Tensor(table.data(), DType::kBF16, {vocab, 1024});
  ASSERT_TRUE(write_safetensors(model / "model.safetensors", tensors).ok());
  std::ofstream(model / "config.json")
      << R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":1024,)"
      << R"("intermediate_size":2816,"num_hidden_layers":16,"num_attention_heads":16,)"
      << R"("num_key_value_heads":4,"max_position_embeddings":2048,"rms_norm_eps":1e-5,)"
      << R"("hidden_act":"silu","tie_word_embeddings":true,"vocab_size":)" << vocab << "}";
  const int64_t kv_bytes = 40 << 20;
  const Outcome outcome =
      run({"generate", model.string(), "--prompt", "Once upon a time", "--max-tokens", "8",
           "--kv-cache-memory-bytes", std::to_string(kv_bytes)});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto file = static_cast<int64_t>(fs::file_size(model / "model.safetensors"));
  EXPECT_LT(outcome.peak_resident_bytes, file + file / 10 + kv_bytes);
}

}  // namespace
}  // namespace kilotoken::test
