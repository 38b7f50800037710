#include "serve/api/engine_metrics.h"

#include <array>
#include <utility>

namespace kilotoken {
namespace {

// vLLM's buckets, with finer ones below its first where a small model would be invisible.
const std::vector<double> kFirstTokenSeconds = {.001, .005, .01, .02, .04, .06, .08, .1,
                                                .25,  .5,   .75, 1,   2.5, 5,   7.5, 10,
                                                20,   40,   80,  160, 640, 2560};
const std::vector<double> kTokenSeconds = {.001, .0025, .005, .01, .025, .05, .075, .1,
                                           .15,  .2,    .3,   .4,  .5,   .75, 1,    2.5,
                                           5,    7.5,   10,   20,  40,   80};
const std::vector<double> kRequestSeconds = {.001, .005, .01, .05, .1,  .2,  .3,  .5,   .8,
                                             1,    1.5,  2,   2.5, 5,   10,  15,  20,   30,
                                             40,   50,   60,  120, 240, 480, 960, 1920, 7680};
const std::vector<double> kStepTokens = {1,   8,    16,   32,   64,   128,  256,
                                         512, 1024, 2048, 4096, 8192, 16384};
const std::vector<double> kCounts = {1, 2, 5, 10, 20};

std::vector<double> one_two_five(double most) {
  std::vector<double> bounds;
  for (double decade = 1; decade <= most; decade *= 10) {
    for (const double step : {1, 2, 5}) {
      if (decade * step <= most) bounds.push_back(decade * step);
    }
  }
  return bounds;
}

double seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

}  // namespace

struct EngineMetrics::Series {
  Series(MetricsRegistry& registry, const std::string& model_name)
      : metrics(registry), labels({{"model_name", model_name}, {"engine", "0"}}) {
    const std::array reasons = {"stop", "length", "abort", "error"};
    for (size_t i = 0; i < reasons.size(); ++i) {
      Labels with_reason = labels;
      with_reason.emplace_back("finished_reason", reasons[i]);
      finished[i] = &metrics.counter("vllm:request_success_total",
                                     "Requests that ended, by reason.", with_reason);
    }
  }

  Counter& counter(const char* name, const char* help) {
    return metrics.counter(name, help, labels);
  }
  Histogram& histogram(const char* name, const char* help, const std::vector<double>& bounds) {
    return metrics.histogram(name, help, bounds, labels);
  }

  MetricsRegistry& metrics;
  const Labels labels;
  std::array<Counter*, 4> finished{};  // by FinishReason

  Counter& prompt_tokens = counter("vllm:prompt_tokens_total", "Prompt tokens of choices begun.");
  Counter& generation_tokens = counter("vllm:generation_tokens_total", "Tokens generated.");
  Counter& preemptions =
      counter("vllm:num_preemptions_total", "Sequences that lost their KV pages for a while.");
  Histogram& step_tokens =
      histogram("vllm:iteration_tokens_total", "Tokens computed in one step.", kStepTokens);
  Histogram& first_token = histogram("vllm:time_to_first_token_seconds",
                                     "From arrival to the first token.", kFirstTokenSeconds);
  Histogram& inter_token = histogram("vllm:inter_token_latency_seconds",
                                     "From one token of a choice to its next.", kTokenSeconds);
  Histogram& per_token = histogram("vllm:request_time_per_output_token_seconds",
                                   "Mean time per token after a request's first.", kTokenSeconds);
  Histogram& e2e =
      histogram("vllm:e2e_request_latency_seconds", "From arrival to the end.", kRequestSeconds);
  Histogram& queue = histogram("vllm:request_queue_time_seconds", "From arrival to the first step.",
                               kRequestSeconds);
  Histogram& prefill = histogram("vllm:request_prefill_time_seconds",
                                 "From the first step to the first token.", kRequestSeconds);
  Histogram& decode = histogram("vllm:request_decode_time_seconds",
                                "From the first token to the end.", kRequestSeconds);
  Histogram& inference = histogram("vllm:request_inference_time_seconds",
                                   "From the first step to the end.", kRequestSeconds);
  Histogram& request_prompt =
      histogram("vllm:request_prompt_tokens", "Prompt tokens of a request.", one_two_five(200'000));
  Histogram& request_generation = histogram(
      "vllm:request_generation_tokens", "Tokens generated for a request.", one_two_five(200'000));
  Histogram& request_n = histogram("vllm:request_params_n", "n of a request.", kCounts);
  Histogram& request_max_tokens = histogram("vllm:request_params_max_tokens",
                                            "max_tokens of a request.", one_two_five(200'000));
};

EngineMetrics::EngineMetrics(MetricsRegistry& metrics, const std::string& model_name)
    : series_(std::make_unique<Series>(metrics, model_name)) {}

EngineMetrics::~EngineMetrics() = default;

void EngineMetrics::on_step(const StepPlan& plan, const StepResult&) {
  series_->preemptions.add(plan.preempted);
  if (plan.tokens() > 0) series_->step_tokens.observe(plan.tokens());
}

void EngineMetrics::on_token(const Request& request, int64_t since_previous_ns, bool first) {
  series_->generation_tokens.add();
  if (!first) return series_->inter_token.observe(seconds(since_previous_ns));
  series_->prompt_tokens.add(static_cast<double>(request.prompt.size()));
  series_->first_token.observe(seconds(since_previous_ns));
}

void EngineMetrics::on_finish(const Request& request, const RequestTimes& times) {
  series_->finished[static_cast<size_t>(times.finish)]->add();
  series_->request_prompt.observe(times.prompt_tokens);
  series_->request_generation.observe(times.output_tokens);
  series_->request_n.observe(request.sampling.n);
  series_->request_max_tokens.observe(request.sampling.max_tokens);
  series_->e2e.observe(seconds(times.finished_ns - times.arrival_ns));
  if (times.first_scheduled_ns == 0) return;  // left while it waited
  series_->queue.observe(seconds(times.first_scheduled_ns - times.arrival_ns));
  series_->inference.observe(seconds(times.finished_ns - times.first_scheduled_ns));
  if (times.first_token_ns == 0) {
    // A prompt that was only scored has been computed all the same.
    if (request.sampling.max_tokens == 0) series_->prompt_tokens.add(times.prompt_tokens);
    return;
  }
  series_->prefill.observe(seconds(times.first_token_ns - times.first_scheduled_ns));
  const double decode_s = seconds(times.finished_ns - times.first_token_ns);
  series_->decode.observe(decode_s);
  // Choices of one request run side by side, so their tokens share the time.
  const double tokens_each = static_cast<double>(times.output_tokens) / request.sampling.n;
  if (tokens_each > 1) series_->per_token.observe(decode_s / (tokens_each - 1));
}

}  // namespace kilotoken
