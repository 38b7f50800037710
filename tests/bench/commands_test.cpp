// The commands that measure more than once, as they are typed, against a null server.

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <set>

#include "base/files.h"
#include "bench/null_process.h"

namespace kilotoken::bench::test {
namespace {

namespace fs = std::filesystem;

struct Ran {
  int exit_code = -1;
  std::string output;
};

Ran run(const std::string& arguments) {
  Ran ran;
  std::FILE* pipe =
      popen((std::string(KILOTOKEN_BINARY) + " bench " + arguments + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  for (size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    ran.output.append(buffer.data(), got);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  return ran;
}

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/kilotoken-commands-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

Json read(const std::string& path) { return Json::parse(read_text_file(path).value()); }

TEST(Commands, ServeRepeatsWithNewSaltAndCompareReadsIt) {
  const NullProcess server({"--ttft-ms", "2", "--itl-ms", "1"});
  const Folder folder;
  const std::string load =
      " --num-prompts 8 --random-input-len 8 --random-output-len 3 "
      "--max-concurrency 4 --repeat 4 --base-url " +
      server.url();
  for (const char* name : {"a.json", "b.json"}) {
    const Ran ran =
        run("serve --dataset-name random" + load + " --result-filename " + folder.file(name));
    EXPECT_EQ(ran.exit_code, 0) << ran.output;
    EXPECT_NE(ran.output.find("run 4 of 4: "), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find("median_ttft_ms"), std::string::npos) << ran.output;
    const Json runs = read(folder.file(name));
    ASSERT_EQ(runs.size(), 4u);
    std::set<std::string> schedules;
    for (const Json& each : runs) {
      EXPECT_EQ(each.at("completed"), 8);
      schedules.insert(each.at("x").at("load").at("schedule_sha256").get<std::string>());
    }
    EXPECT_EQ(schedules.size(), 4u) << "each run has prompts of its own";
  }
  const Ran compared = run("compare " + folder.file("a.json") + " " + folder.file("b.json"));
  EXPECT_EQ(compared.exit_code, 0) << compared.output;
  EXPECT_NE(compared.output.find("4 and 4 runs, two-sided Mann-Whitney"), std::string::npos)
      << compared.output;
  EXPECT_NE(compared.output.find("oracle_hit_rate"), std::string::npos) << compared.output;
}

// The second server's model has no tokenizer here, the first one's has; and made-up prompts would
// have another salt for each run.
TEST(Commands, CompareSendsBothServersTheSamePrompts) {
  const NullProcess server({"--ttft-ms", "2"}), other({"--ttft-ms", "2"});
  const Folder folder;
  const Ran ran = run(
      "compare --dataset-name random --num-prompts 8 --random-input-len 8 --random-output-len 3 "
      "--repeat 3 --model demo --other-model unknown --base-url " +
      server.url() + " --other-url " + other.url() + " --json " + folder.file("c.json"));
  ASSERT_EQ(ran.exit_code, 0) << ran.output;
  const Json json = read(folder.file("c.json"));
  std::set<std::string> schedules;
  for (size_t i = 0; i < 3; ++i) {
    const Json &a = json.at("runs_a").at(i), &b = json.at("runs_b").at(i);
    EXPECT_EQ(a.at("tokenizer_id"), "demo");
    EXPECT_EQ(b.at("tokenizer_id"), "demo");
    EXPECT_EQ(b.at("model_id"), "unknown");
    EXPECT_EQ(a.at("x").at("load").at("schedule_sha256"),
              b.at("x").at("load").at("schedule_sha256"));
    schedules.insert(a.at("x").at("load").at("schedule_sha256").get<std::string>());
  }
  EXPECT_EQ(schedules.size(), 3u) << "each pair of runs has prompts of its own";
}

TEST(Commands, BatchesInProcessKeepTheirNumbers) {
  const Folder folder;
  const std::string batch = "--batch-size 2 --input-len 5 --output-len 3 --ignore-eos";
  const Ran thrown = run("throughput --num-iterations 2 " + batch + " --output-json " +
                         folder.file("throughput.json"));
  ASSERT_EQ(thrown.exit_code, 0) << thrown.output;
  const Json throughput = read(folder.file("throughput.json"));
  EXPECT_EQ(throughput.at("num_requests"), 4);
  EXPECT_EQ(throughput.at("total_num_tokens"), 4 * (5 + 3));
  EXPECT_EQ(throughput.at("x").at("iterations").size(), 2u);
  const Ran waited = run("latency --num-iters 3 --num-iters-warmup 1 " + batch + " --output-json " +
                         folder.file("latency.json"));
  ASSERT_EQ(waited.exit_code, 0) << waited.output;
  const Json latency = read(folder.file("latency.json"));
  EXPECT_EQ(latency.at("latencies").size(), 3u);
  EXPECT_GT(latency.at("percentiles").at("99"), 0);
}

// One request at a time and 5 ms for each: 200 a second at most, however fast the machine is.
TEST(Commands, SloSearchEndsBetweenARateThatHoldsAndOneThatDoesNot) {
  const NullProcess server({"--ttft-ms", "2", "--itl-ms", "1", "--max-running", "1"});
  const Folder folder;
  const Ran ran =
      run("sweep --slo-search --rates 25 --goodput ttft:500 --dataset-name random "
          "--random-input-len 8 --random-output-len 4 --num-prompts 40 --base-url " +
          server.url() + " --result-filename " + folder.file("sweep.json"));
  ASSERT_EQ(ran.exit_code, 0) << ran.output;
  const Json sweep = read(folder.file("sweep.json"));
  const Json& points = sweep.at("points");
  ASSERT_GE(points.size(), 3u) << ran.output;
  ASSERT_FALSE(sweep.at("knee").is_null()) << ran.output;
  const double knee = sweep.at("knee");
  EXPECT_LE(knee, 200 / 0.9 * 40 / 39) << ran.output;
  double before = 0;
  for (const Json& point : points) {
    EXPECT_GT(point.at("rate"), before);
    before = point.at("rate");
    EXPECT_TRUE(before > knee || point.at("keeps_up").get<bool>()) << ran.output;
  }
  const auto beyond = std::ranges::find_if(
      points, [&](const Json& point) { return point.at("rate").get<double>() > knee; });
  ASSERT_NE(beyond, points.end()) << ran.output;
  EXPECT_FALSE(beyond->at("keeps_up").get<bool>());
  EXPECT_LE(beyond->at("rate"), 1.1 * knee + 1e-9) << ran.output;
}

TEST(Commands, ASearchWithoutLimitsIsRefused) {
  const Ran ran = run("sweep --slo-search --base-url http://127.0.0.1:1");
  EXPECT_NE(ran.exit_code, 0);
  EXPECT_NE(ran.output.find("--goodput"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace kilotoken::bench::test
