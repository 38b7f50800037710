#pragma once
// ServeBench: a server measured from outside: asked what it is, a plan made for it, sent, and the
// numbers judged.

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "measure/bench/load_client.h"
#include "measure/bench/result.h"
#include "measure/bench/server_info.h"
#include "measure/bench/workloads.h"

namespace kilotoken::bench {

struct ServeBenchOptions {
  std::string base_url = "http://127.0.0.1:8000";
  bool insecure = false;
  std::string backend = "openai";  // openai: completions; openai-chat: messages
  std::string endpoint;            // a path of its own; empty: the backend's
  std::string model;               // empty: the first that the server serves
  std::string tokenizer;           // empty: the model's name, if that is a model here
  DataOptions data;
  std::optional<bool> salt_prompts;  // none: for made-up prompts
  std::optional<uint64_t> salt;      // none: a new one for each run, kept in the result
  WorkloadOptions workload;          // an empty name: a dataset
  ArrivalOptions arrivals;
  LoadOptions load;  // its target and shape are filled in
  RequestShape shape;
  SummaryOptions summary;
  std::optional<bool> from_intended;  // none: if there is a schedule
  int warmups = 0;
  int ready_timeout_s = 30;
  bool server_times = true;  // ask a server of ours for its own times
  bool progress = true;
  std::string label, version;
  std::vector<std::pair<std::string, std::string>> metadata;
  OrderedJson configuration;
};

struct Measured {
  LoadRun run;
  Summary summary;
  SummaryOptions judged_by;
  std::vector<Badge> badges;
  ServerView server;
  OrderedJson json;  // of result_json
  std::string text;  // of summary_text
  bool valid() const;
};

class ServeBench {
 public:
  // Connects, asks, makes the plan. Nothing is sent yet.
  static Result<ServeBench> prepare(ServeBenchOptions options, const Clock& clock);
  // A second server, to be sent what the first is. The plan of both then fits both contexts.
  static Result<ServeBench> prepare_beside(ServeBench& first, ServeBenchOptions options);

  const Plan& plan() const { return plan_; }
  const ServeBenchOptions& options() const { return options_; }

  // Sends it. `stop` ends the run early; what was measured by then is returned, marked partial.
  Measured measure(const std::atomic<bool>& stop);
  // For the next run: prompts that no run before has sent, where they are salted and no salt was
  // asked for; and another rate, if one is given.
  Result<void> prepare_next(std::optional<double> rate = {});
  // The other's prompts, word for word, at its times; its tokenizer counts here as well.
  void take_plan(const ServeBench& first);

 private:
  ServeBench(ServeBenchOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(&clock) {}
  Result<void> connect();
  Result<void> find_tokenizer();
  Result<void> make();
  WarmUps warm_up(const std::atomic<bool>& stop);
  double count_tokens(LoadRun& run) const;

  ServeBenchOptions options_;
  const Clock* clock_;
  ServerInfo info_;
  std::shared_ptr<Tokenizer> tokenizer_;
  bool tokenizer_given_ = false;
  std::string tokenizer_name_;
  Plan plan_;
  double rate_ = 0;  // of the plan: a workload may have one of its own
};

}  // namespace kilotoken::bench
