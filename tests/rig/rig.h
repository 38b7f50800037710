#pragma once
// EngineRig: an engine on a model, single-threaded and open for inspection. KV pages are handed out
// in shuffled order and filled with NaN between their last use and the next; every row of logits is
// recorded.

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/run/async_runner.h"
#include "engine/run/engine.h"
#include "engine/run/local_runner.h"

namespace kilotoken::test {

struct RigOptions {
  DType kv_dtype = DType::kBF16;
  int page_count = 128;
  int threads = 1;
  bool prefix_cache = false;
  Loop loop = Loop::kSequential;
  SchedulerConfig scheduler;
};

// One choice's whole output.
struct ChoiceOutput {
  std::vector<int32_t> tokens;
  std::string text;
  std::vector<TokenLogprob> logprobs, prompt_logprobs;
  std::map<int, uint64_t> logits_hash;  // by position of the token that the logits predict
  std::optional<FinishReason> finish;
  std::string error;

  bool operator==(const ChoiceOutput& other) const {
    return tokens == other.tokens && text == other.text && logits_hash == other.logits_hash &&
           finish == other.finish;
  }
};

// How often the mechanisms of a step were at work.
struct RigCounts {
  int64_t steps = 0, prompt_chunks = 0, mixed_steps = 0, preemptions = 0, worker_pieces = 0;
  int64_t linear_calls = 0, linear_rows = 0;
  int max_sequences = 0, max_rows = 0;
  int64_t recomputed = 0;              // rows of logits that came a second time
  int64_t cached_tokens = 0;           // of prompts, found in the prefix cache
  int64_t computed_prompt_tokens = 0;  // of choices that began
  int64_t forks = 0;                   // sequences that sampled from another's row
  int64_t copies = 0;                  // pages copied
  int64_t waits = 0;       // steps in which a running sequence waited for another's page
  int64_t changed = 0;     // of these, how many had other bits: must stay 0
  int64_t batches = 0;     // formed by static batching
  int64_t overlapped = 0;  // steps submitted while another was computed
};

class EngineRig final : private StepObserver {
 public:
  EngineRig(const Model& model, const Tokenizer* tokenizer, const RigOptions& options);
  ~EngineRig() override;

  void add(Request request);
  void cancel(RequestId id) { engine_->cancel(id); }
  bool step() { return engine_->step(); }
  void run();  // steps until idle, then checks that every page came back

  const ChoiceOutput& output(RequestId id, int choice) const;
  const RigCounts& counts() const { return counts_; }
  PagePool& pages() { return pages_; }
  const Engine& engine() const { return *engine_; }

 private:
  class Sink;
  void on_step(const StepPlan& plan, const StepResult& result) override;
  void on_begin(const Request& request, const ChoiceBegin& begin) override {
    counts_.computed_prompt_tokens +=
        static_cast<int64_t>(request.prompt.size()) - begin.cached_tokens;
  }
  void on_token(const Request&, int64_t, bool) override {}
  void on_finish(const Request&, const RequestTimes& times) override {
    counts_.cached_tokens += times.cached_tokens;
  }
  void record(SequenceId sequence, int position, std::span<const float> logits);

  class Poisoner;
  class Submitter;

  std::map<std::pair<RequestId, int>, ChoiceOutput> outputs_;
  std::map<SequenceId, std::map<int, uint64_t>> hashes_;
  std::map<SequenceId, std::pair<RequestId, int>> owners_;
  RigCounts counts_;
  std::mutex mutex_;            // the probe is called from every kernel thread
  std::vector<int32_t> freed_;  // pages, since the last submission
  SystemClock clock_;
  KvCache kv_;
  PagePool pages_;
  std::optional<PrefixCache> cache_;
  ThreadPool pool_;
  LocalRunner runner_;
  std::unique_ptr<Poisoner> poisoner_;
  std::optional<AsyncRunner> async_;
  std::unique_ptr<Submitter> submitter_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace kilotoken::test
