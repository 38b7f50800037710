// Held to another implementation: log probabilities against HF transformers' in float32, per model
// the worst difference over all its reference prompts. The bound must also catch one flipped
// weight.
//
// usage: kt_oracle     (KILOTOKEN_TEST_DATA names the folder of reference models)

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "base/json.h"
#include "rig/models.h"
#include "rig/rig.h"

namespace kilotoken::test {
namespace {

// Of the differences of log probabilities.
struct Bound {
  double worst, mean;
};
constexpr Bound kBound{1e-3, 1e-4};

// Linears may round their input rows, to BF16 or to INT8 in groups of 32, as the references do not.
// What that costs depends on the model: `rounded` is about twice what was measured or less.
Bound bound_of(const TestModel& model, const Kernels& kernels, const Bound& rounded) {
  const DType stored = model.model->weight_dtype();
  const bool rounds = is_blocks(stored) || (stored == DType::kBF16 && kernels.packs_bf16);
  return rounds ? rounded : kBound;
}

struct Findings {
  Bound bound = kBound;
  double worst = 0, sum = 0;
  int cases = 0, logprobs = 0, greedy = 0, greedy_compared = 0, greedy_equal = 0;

  void add(double difference) {
    worst = std::max(worst, std::abs(difference));
    sum += std::abs(difference);
    ++logprobs;
  }
};

void compare(const Json& expected, const TokenLogprob& got, Findings& findings) {
  for (const auto& pair : expected) {
    for (const auto& [token, logprob] : got.top) {
      if (token != pair[0].get<int32_t>()) continue;
      findings.add(logprob - pair[1].get<double>());
    }
  }
}

// Greedy tokens as far as both go the same way. Where the likeliest is further above the second
// than the bound lets the two move, the reference must have taken it; other tokens are near ties.
void compare_greedy(std::span<const int32_t> expected, const ChoiceOutput& out,
                    Findings& findings) {
  findings.greedy += static_cast<int>(expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto& top = out.logprobs.at(i).top;
    const bool equal = out.tokens.at(i) == expected[i];
    if (top.at(0).second - top.at(1).second > 2 * findings.bound.worst) {
      ++findings.greedy_compared;
      findings.greedy_equal += equal ? 1 : 0;
    }
    if (!equal) return;
  }
}

void run_case(const Model& model, const Json& reference, Findings& findings) {
  const auto greedy = reference.at("greedy_ids").get<std::vector<int32_t>>();
  Request request;
  request.id = 1;
  request.prompt = reference.at("ids").get<std::vector<int32_t>>();
  request.sampling.temperature = 0;
  request.sampling.max_tokens = static_cast<int>(greedy.size());
  request.sampling.ignore_eos = true;
  request.sampling.prompt_logprobs = 0;
  request.sampling.logprobs = 10;
  RigOptions options;
  options.kv_dtype = DType::kF32;
  options.page_count = 16;
  EngineRig rig(model, nullptr, options);
  const auto prompt = request.prompt;
  rig.add(std::move(request));
  rig.run();
  const ChoiceOutput& out = rig.output(1, 0);
  ++findings.cases;
  const Json& prompt_logprobs = reference.at("prompt_logprobs");
  for (size_t i = 1; i < prompt.size(); ++i) {
    const double difference =
        out.prompt_logprobs.at(i - 1).logprob - prompt_logprobs.at(i).get<double>();
    findings.add(difference);
  }
  if (reference.contains("next_top10")) {
    compare(reference.at("next_top10"), out.logprobs.at(0), findings);
  }
  compare_greedy(greedy, out, findings);
}

Findings run_cases(const Model& model, const Json& references, Bound bound = kBound) {
  Findings findings;
  findings.bound = bound;
  for (const Json& reference : references) run_case(model, reference, findings);
  return findings;
}

Json read_references(const std::string& path) {
  const Json document = parse_json(read_text_file(path).value(), path).value();
  return document.is_array() ? document : document.at("cases");
}

bool report(const std::string& name, const Findings& found) {
  const double mean = found.sum / found.logprobs;
  const bool good = found.worst <= found.bound.worst && mean <= found.bound.mean &&
                    found.greedy_compared > 0 && found.greedy_equal == found.greedy_compared;
  std::printf(
      "%-34s %3d prompts %5d logprobs   worst difference %.1e of %.1e, mean %.1e of %.1e   greedy "
      "tokens: "
      "%d of %d compared, %d equal   %s\n",
      name.c_str(), found.cases, found.logprobs, found.worst, found.bound.worst, mean,
      found.bound.mean, found.greedy_compared, found.greedy, found.greedy_equal,
      good ? "ok" : "FAILED");
  return good;
}

// One weight's sign flipped: the bound must notice.
bool catches_flipped_weight(const TestModel& sound, const Json& references,
                            const Kernels& kernels) {
  const std::unique_ptr<MadeWeights> weights = copy_of(*sound.files.weights);
  const std::string name = "model.layers.2.mlp.down_proj.weight";
  const Tensor tensor = *weights->find(name);
  int64_t largest = 0;
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    if (std::abs(tensor.at(i)) > std::abs(tensor.at(largest))) largest = i;
  }
  const float flipped = -tensor.at(largest);
  store(weights->bytes(name).data() + static_cast<size_t>(largest) * size_of(tensor.dtype),
        tensor.dtype, flipped);
  ThreadPool pool(2);
  const auto model = build_model(sound.files.config, *weights, kernels, pool).value();
  const Findings found = run_cases(*model, references);
  const bool caught = found.worst > kBound.worst;
  std::printf("%-34s worst difference %.2e   %s\n", "stories260K, one sign flipped", found.worst,
              caught ? "caught" : "FAILED: not caught");
  return caught;
}

struct OracleModel {
  const char *name, *path, *references;  // under the data folder
  Bound rounded = kBound;                // of a model that some tables round rows for
};
constexpr OracleModel kModels[] = {
    {"stories260K safetensors", "stories260K/hf", "stories260K/reference/reference.json"},
    {"stories260K GGUF f32", "stories260K/gguf/stories260K-f32.gguf",
     "stories260K/reference/reference.json"},
    {"mistral, window 16", "arch_oracles/mistral_sw16", "arch_oracles/mistral_sw16/reference.json"},
    {"llama, linear RoPE scaling", "arch_oracles/llama_rope_linear4",
     "arch_oracles/llama_rope_linear4/reference.json"},
    {"llama, llama3 RoPE scaling",
     "arch_oracles/llama3_rope",
     "arch_oracles/llama3_rope/reference.json",
     {0.15, 0.03}},
    {"kquant GGUF BF16",
     "kquant/gguf/kq-BF16.gguf",
     "kquant/reference/logits_BF16.json",
     {0.06, 5e-3}},
    {"kquant GGUF Q8_0",
     "kquant/gguf/kq-Q8_0.gguf",
     "kquant/reference/logits_Q8_0.json",
     {0.2, 0.02}},
    {"kquant GGUF Q4_0, head Q6_K",
     "kquant/gguf/kq-Q4_0.gguf",
     "kquant/reference/logits_Q4_0.json",
     {0.25, 0.02}},
    {"kquant GGUF Q6_K", "kquant/gguf/kq-Q6_K.gguf", "kquant/reference/logits_Q6_K.json"},
};

bool run_table(const Kernels& kernels, const std::string& data) {
  std::printf("== kernel table %s\n", std::string(kernels.name).c_str());
  bool good = true;
  for (const OracleModel& row : kModels) {
    const TestModel model = load_test_model(row.name, data + "/" + row.path, kernels);
    const Json references = read_references(data + "/" + row.references);
    good &= report(row.name,
                   run_cases(*model.model, references, bound_of(model, kernels, row.rounded)));
    if (&row == kModels) good &= catches_flipped_weight(model, references, kernels);
  }
  if (const auto demo = resolve_model("demo"); demo.ok()) {
    const TestModel model = load_test_model("demo", demo->string(), kernels);
    good &=
        report("demo", run_cases(*model.model, read_references(demo->string() + "/reference.json"),
                                 bound_of(model, kernels, {0.1, 3e-3})));
  }
  return good;
}

int run() {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) {
    std::printf(
        "FAILED: KILOTOKEN_TEST_DATA is not set: it names the folder of reference models\n");
    return 1;
  }
  const char* forced = std::getenv("KILOTOKEN_ISA");
  bool good = true;
  for (const KernelTable& table : kernel_tables()) {
    if (forced && table.kernels->name != forced) continue;
    if (table.runs_here) {
      good &= run_table(*table.kernels, data);
    } else {
      std::printf("== kernel table %s: not run, this CPU lacks %s\n",
                  std::string(table.kernels->name).c_str(), std::string(table.needs).c_str());
    }
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace kilotoken::test

int main() { return kilotoken::test::run(); }
