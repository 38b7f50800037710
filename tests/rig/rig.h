#pragma once
// EngineRig: an engine on a model, single-threaded and open for inspection. KV pages are handed out
// in shuffled order and filled with NaN when freed; every row of logits is recorded.

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/run/engine.h"
#include "engine/run/local_runner.h"

namespace kilotoken::test {

struct RigOptions {
  DType kv_dtype = DType::kBF16;
  int page_count = 128;
  int threads = 1;
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
  int64_t recomputed = 0;  // rows of logits that came a second time
  int64_t changed = 0;     // of these, how many had other bits: must stay 0
};

class EngineRig final : private StepObserver {
 public:
  EngineRig(const Model& model, const Tokenizer* tokenizer, const RigOptions& options);

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
  void on_token(const Request&, int64_t, bool) override {}
  void on_finish(const Request&, const RequestTimes&) override {}
  void record(SequenceId sequence, int position, std::span<const float> logits);

  SystemClock clock_;
  KvCache kv_;
  PagePool pages_;
  ThreadPool pool_;
  LocalRunner runner_;
  std::unique_ptr<Engine> engine_;
  std::map<std::pair<RequestId, int>, ChoiceOutput> outputs_;
  std::map<SequenceId, std::map<int, uint64_t>> hashes_;
  std::map<SequenceId, std::pair<RequestId, int>> owners_;
  RigCounts counts_;
  std::mutex mutex_;  // the probe is called from every kernel thread
};

}  // namespace kilotoken::test
