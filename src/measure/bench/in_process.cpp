#include "measure/bench/in_process.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/stats.h"
#include "measure/bench/print.h"
#include "measure/bench/words.h"

namespace kilotoken::bench {
namespace {

// Counts what the engine says of a batch.
class BatchSink final : public OutputSink {
 public:
  explicit BatchSink(int requests) : left_(requests) {}
  void on_delta(const ChoiceDelta& delta) override {
    const std::lock_guard lock(mutex_);
    tokens_ += static_cast<int64_t>(delta.tokens.size());
    if (!delta.error.empty()) error_ = delta.error;
    if (delta.finish && --left_ == 0) over_.notify_one();
  }
  Result<int64_t> wait() {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return left_ == 0; });
    if (!error_.empty()) return Error{ErrorCode::kInternal, error_, {}};
    return tokens_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  int left_;
  int64_t tokens_ = 0;
  std::string error_;
};

Result<std::vector<int32_t>> prompt_of(const ServedModel& model, const BatchOptions& options,
                                       const Words& words, uint64_t index) {
  if (options.input_len > 0) return words.ids(1, index, options.input_len);
  return model.tokenizer()->encode(options.prompt, true);
}

Result<BatchRun> run_batch(ServedModel& model, const BatchOptions& options, const Words& words,
                           int iteration, const Clock& clock) {
  const auto size = static_cast<uint64_t>(options.batch_size);
  std::vector<std::shared_ptr<Request>> requests;
  for (uint64_t i = 0; i < size; ++i) {
    auto request = std::make_shared<Request>();
    request->id = static_cast<uint64_t>(iteration) * size + i + 1;
    KT_TRY(request->prompt, prompt_of(model, options, words, request->id));
    const int needed = static_cast<int>(request->prompt.size()) + options.output_len;
    if (needed > model.max_model_len()) {
      return invalid("prompt and answer have " + std::to_string(needed) +
                     " tokens, the model's context is " + std::to_string(model.max_model_len()));
    }
    request->sampling.max_tokens = options.output_len;
    request->sampling.ignore_eos = options.ignore_eos;
    request->sampling.seed = request->id;
    request->eos_token_ids = model.defaults().eos_token_ids;
    request->arrival_ns = clock.now_ns();
    requests.push_back(std::move(request));
  }
  const auto sink = std::make_shared<BatchSink>(options.batch_size);
  const int64_t begin = clock.now_ns();
  for (const auto& request : requests) KT_TRY_VOID(model.engine().submit(request, sink));
  BatchRun run;
  for (const auto& request : requests) {
    run.input_tokens += static_cast<int64_t>(request->prompt.size());
  }
  KT_TRY(run.output_tokens, sink->wait());
  run.seconds = static_cast<double>(clock.now_ns() - begin) * 1e-9;
  return run;
}

}  // namespace

Result<std::vector<BatchRun>> run_batches(ServedModel& model, const BatchOptions& options,
                                          const Clock& clock, const std::atomic<bool>& stop) {
  if (!model.tokenizer()) return invalid("the model has no tokenizer: it cannot be measured here");
  const Words words(model.tokenizer(), 0);
  std::vector<BatchRun> runs;
  for (int i = 0; i < options.warmups + options.iterations && !stop; ++i) {
    KT_TRY(const BatchRun run, run_batch(model, options, words, i, clock));
    if (i >= options.warmups) runs.push_back(run);
  }
  return runs;
}

std::string throughput_text(const BatchOptions& options, const std::vector<BatchRun>& runs) {
  double seconds = 0, tokens = 0;
  std::vector<double> each;
  for (const BatchRun& run : runs) {
    seconds += run.seconds;
    tokens += static_cast<double>(run.output_tokens);
    each.push_back(static_cast<double>(run.output_tokens) / std::max(run.seconds, 1e-9));
  }
  const bool any = !runs.empty();
  const double published = any ? static_cast<double>(runs.back().output_tokens) *
                                     static_cast<double>(runs.size()) / seconds
                               : 0;
  std::string text = printed(
      "batch of %d, %zu iterations after %d to warm up: %.0f tokens in %.3f s\n"
      "Throughput: %.2f tokens/s (all iterations' tokens); the median iteration %.2f\n"
      "counted as the last iteration's tokens times their number: %.2f\n",
      options.batch_size, runs.size(), options.warmups, tokens, seconds, any ? tokens / seconds : 0,
      median_of(each), published);
  if (options.input_len == 0) {
    text +=
        "the prompts are the same: a prefix cache knows them (--input-len makes others, "
        "--no-enable-prefix-caching turns it off)\n";
  }
  return text;
}

std::string latency_text(const BatchOptions& options, const std::vector<BatchRun>& runs) {
  std::vector<double> ms;
  for (const BatchRun& run : runs) ms.push_back(run.seconds * 1000);
  std::sort(ms.begin(), ms.end());
  return printed(
      "batch of %d, %d tokens out, %zu iterations: latency mean %.2f ms, P50 %.2f, P90 "
      "%.2f, P99 %.2f, longest %.2f\n",
      options.batch_size, options.output_len, runs.size(), average_of(ms), percentile(ms, 50),
      percentile(ms, 90), percentile(ms, 99), ms.empty() ? 0 : ms.back());
}

namespace {

OrderedJson extras(const BatchOptions& options, const std::vector<BatchRun>& runs,
                   const OrderedJson& environment) {
  OrderedJson iterations = OrderedJson::array();
  for (const BatchRun& run : runs) {
    iterations.push_back({{"seconds", run.seconds},
                          {"input_tokens", run.input_tokens},
                          {"output_tokens", run.output_tokens}});
  }
  return {{"batch_size", options.batch_size},
          {"warmups", options.warmups},
          {"input_len", options.input_len},
          {"output_len", options.output_len},
          {"ignore_eos", options.ignore_eos},
          {"iterations", iterations},
          {"env", environment}};
}

}  // namespace

OrderedJson throughput_json(const BatchOptions& options, const std::vector<BatchRun>& runs,
                            const OrderedJson& environment) {
  double seconds = 0;
  int64_t tokens = 0;
  for (const BatchRun& run : runs) {
    seconds += run.seconds;
    tokens += run.input_tokens + run.output_tokens;
  }
  const auto requests = static_cast<int64_t>(runs.size()) * options.batch_size;
  const double wall = std::max(seconds, 1e-9);
  return {{"elapsed_time", seconds},
          {"num_requests", requests},
          {"total_num_tokens", tokens},
          {"requests_per_second", static_cast<double>(requests) / wall},
          {"tokens_per_second", static_cast<double>(tokens) / wall},
          {"x", extras(options, runs, environment)}};
}

OrderedJson latency_json(const BatchOptions& options, const std::vector<BatchRun>& runs,
                         const OrderedJson& environment) {
  std::vector<double> seconds;
  for (const BatchRun& run : runs) seconds.push_back(run.seconds);
  OrderedJson json = {{"avg_latency", average_of(seconds)}, {"latencies", seconds}};
  std::sort(seconds.begin(), seconds.end());
  for (const int p : {10, 25, 50, 75, 90, 99}) {
    json["percentiles"][std::to_string(p)] = percentile(seconds, p);
  }
  json["x"] = extras(options, runs, environment);
  return json;
}

}  // namespace kilotoken::bench
