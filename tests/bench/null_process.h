#pragma once
// A null server in a process of its own, and the truth that it logged.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "measure/bench/null_child.h"
#include "measure/bench/serve_bench.h"

namespace kilotoken::bench::test {

struct Truth {
  int64_t received_ns = 0, first_ns = 0, last_ns = 0, tokens = 0;
  bool warm = false;
};

class NullProcess {
 public:
  explicit NullProcess(std::vector<std::string> arguments) {
    char name[] = "/tmp/kilotoken-bench-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    dir_ = name;
    arguments.insert(arguments.end(), {"--log", log()});
    child_ = NullChild::start(std::move(arguments), KILOTOKEN_BINARY).value();
  }
  ~NullProcess() {
    child_.reset();
    std::filesystem::remove_all(dir_);
  }
  NullProcess(const NullProcess&) = delete;
  NullProcess& operator=(const NullProcess&) = delete;

  std::string url() const { return child_->url(); }

  // By the index that the request carried in its x-request-id "r7"; -1: warm-ups and others.
  std::map<int, Truth> truth() const {
    std::map<int, Truth> all;
    std::ifstream file(log());
    for (std::string line; std::getline(file, line);) {
      const Json json = Json::parse(line);
      if (!json.contains("id") || json.at("id").get<std::string>().empty()) continue;
      all[std::stoi(json.at("id").get<std::string>().substr(1))] = {
          json.at("received_ns"), json.at("first_ns"), json.at("last_ns"), json.at("tokens"),
          json.at("warm")};
    }
    return all;
  }

 private:
  std::string log() const { return (dir_ / "log").string(); }
  std::filesystem::path dir_;
  std::unique_ptr<NullChild> child_;
};

// Requests of 8 words in and `output_len` tokens out.
inline ServeBenchOptions small_load(const NullProcess& server, size_t count, int output_len) {
  ServeBenchOptions options;
  options.base_url = server.url();
  options.data.count = count;
  options.data.random_input_len = 8;
  options.data.random_output_len = output_len;
  options.load.request_id_prefix = "r";
  options.progress = false;
  return options;
}

inline Measured measured(const ServeBenchOptions& options) {
  static const SystemClock clock;
  const std::atomic<bool> stop{false};
  Result<ServeBench> bench = ServeBench::prepare(options, clock);
  EXPECT_TRUE(bench.ok()) << bench.error().message;
  return bench->measure(stop);
}

inline const Badge& badge(const Measured& measured, const std::string& key) {
  for (const Badge& badge : measured.badges) {
    if (badge.key == key) return badge;
  }
  ADD_FAILURE() << "no badge " << key;
  return measured.badges.front();
}

}  // namespace kilotoken::bench::test
