#include "serve/api/engine_metrics.h"

#include <algorithm>
#include <array>
#include <optional>
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
const std::vector<double> kShares = {.001, .003, .01, .03, .1, .3, 1};
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
      finished[i] = &labelled("vllm:request_success_total", "Requests that ended, by reason.",
                              "finished_reason", reasons[i]);
    }
    for (size_t i = 0; i < prefix_misses.size(); ++i) {
      prefix_misses[i] = &labelled(
          "kilotoken:prefix_cache_misses_total",
          "Requests that began, by why their prompt was not found further in the prefix cache: "
          "cold, evicted, salt (it is there for another key), partial_page (less than a page was "
          "left), none (all was found but the last token).",
          "reason", name_of(static_cast<PrefixMiss>(i)));
    }
    metrics.alias("vllm:gpu_prefix_cache_queries", "vllm:prefix_cache_queries_total");
    metrics.alias("vllm:gpu_prefix_cache_hits", "vllm:prefix_cache_hits_total");
    metrics.alias("vllm:request_success", "vllm:request_success_total");
    metrics.alias("vllm:time_per_output_token_seconds", "vllm:inter_token_latency_seconds");
  }

  Counter& counter(const char* name, const char* help) {
    return metrics.counter(name, help, labels);
  }
  Counter& labelled(const char* name, const char* help, const char* label, const char* value) {
    Labels with_label = labels;
    with_label.emplace_back(label, value);
    return metrics.counter(name, help, with_label);
  }
  Counter& prompt_tokens_from(const char* source) {
    return labelled("vllm:prompt_tokens_by_source_total",
                    "Prompt tokens of choices that began to run, by where they came from.",
                    "source", source);
  }
  Histogram& histogram(const char* name, const char* help, const std::vector<double>& bounds) {
    return metrics.histogram(name, help, bounds, labels);
  }

  MetricsRegistry& metrics;
  const Labels labels;
  std::array<Counter*, 4> finished{};  // by FinishReason
  std::array<Counter*, kPrefixMissCount> prefix_misses{};

  Counter& prompt_tokens = counter("vllm:prompt_tokens_total", "Prompt tokens of choices begun.");
  Counter& computed_prompt_tokens = prompt_tokens_from("local_compute");
  Counter& found_prompt_tokens = prompt_tokens_from("local_cache_hit");
  Counter& cached_tokens =
      counter("vllm:prompt_tokens_cached_total", "Prompt tokens found in the prefix cache.");
  Counter& prefix_queries =
      counter("vllm:prefix_cache_queries_total",
              "Prompt tokens looked for in the prefix cache, once for each choice begun.");
  Counter& prefix_hits = counter("vllm:prefix_cache_hits_total", "How many of them it had.");
  Counter& generation_tokens = counter("vllm:generation_tokens_total", "Tokens generated.");
  Counter& preemptions =
      counter("vllm:num_preemptions_total", "Sequences that lost their KV pages for a while.");
  Histogram& step_tokens =
      histogram("vllm:iteration_tokens_total", "Tokens computed in one step.", kStepTokens);
  Counter& compute_seconds =
      counter("kilotoken:step_compute_seconds_total", "Time in which a step was computed.");
  Counter& step_rows =
      counter("kilotoken:step_rows_total", "Rows of steps: sequences that a step computed for.");
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
  Counter& wasted_rows =
      counter("kilotoken:wasted_rows_total",
              "Rows computed for sequences that turned out to have ended (--async-scheduling, "
              "cancelled requests).");
  Histogram& tokenize = histogram("kilotoken:request_tokenize_time_seconds",
                                  "From arrival until the prompt's tokens were known: waiting for "
                                  "a tokenizer's thread, template and encoding.",
                                  kRequestSeconds);
  Histogram& tokenizer_share =
      histogram("kilotoken:tokenizer_share_of_ttft",
                "That time as a share of the time to the first token.", kShares);
  Histogram& request_n = histogram("vllm:request_params_n", "n of a request.", kCounts);

  // Of one request, with bounds up to the longest context.
  struct TokenCounts {
    Histogram &prompt, &generation, &longest_choice, &computed, &asked;
  };
  std::optional<TokenCounts> tokens;
};

EngineMetrics::EngineMetrics(MetricsRegistry& metrics, const std::string& model_name)
    : series_(std::make_unique<Series>(metrics, model_name)) {}

EngineMetrics::~EngineMetrics() = default;

void EngineMetrics::model_loaded(int max_model_len) {
  const std::vector<double> bounds = one_two_five(max_model_len);
  const auto add = [&](const char* name, const char* help) -> Histogram& {
    return series_->histogram(name, help, bounds);
  };
  series_->tokens.emplace(Series::TokenCounts{
      add("vllm:request_prompt_tokens", "Prompt tokens of a request."),
      add("vllm:request_generation_tokens", "Tokens generated for a request."),
      add("vllm:request_max_num_generation_tokens", "Tokens of a request's longest choice."),
      add("vllm:request_prefill_kv_computed_tokens", "Prompt tokens computed for a request."),
      add("vllm:request_params_max_tokens", "max_tokens of a request.")});
}

void EngineMetrics::on_step(const StepPlan& plan, const StepResult& result) {
  series_->compute_seconds.add(seconds(result.compute_ns));
  series_->step_rows.add(static_cast<double>(plan.rows.size()));
  series_->wasted_rows.add(result.wasted_rows);
  series_->preemptions.add(plan.preempted);
  if (plan.tokens() > 0) series_->step_tokens.observe(plan.tokens());
}

void EngineMetrics::on_begin(const Request& request, const ChoiceBegin& begin) {
  const auto prompt = static_cast<double>(request.prompt.size());
  const double found = std::min<double>(begin.cached_tokens, prompt);
  if (begin.choice == 0) series_->prefix_misses[static_cast<size_t>(begin.miss)]->add();
  series_->computed_prompt_tokens.add(prompt - found);
  for (Counter* counter :
       {&series_->found_prompt_tokens, &series_->cached_tokens, &series_->prefix_hits}) {
    counter->add(found);
  }
  series_->prefix_queries.add(prompt);
}

void EngineMetrics::on_token(const Request& request, int64_t since_previous_ns, bool first) {
  series_->generation_tokens.add();
  if (!first) return series_->inter_token.observe(seconds(since_previous_ns));
  series_->prompt_tokens.add(static_cast<double>(request.prompt.size()));
  series_->first_token.observe(seconds(since_previous_ns));
}

void EngineMetrics::observe_tokenizer(const Request& request, const RequestTimes& times) {
  const double tokenize_s = seconds(request.tokenized_ns - request.arrival_ns);
  series_->tokenize.observe(tokenize_s);
  if (times.first_token_ns <= request.arrival_ns) return;  // there was none
  series_->tokenizer_share.observe(tokenize_s / seconds(times.first_token_ns - request.arrival_ns));
}

void EngineMetrics::on_finish(const Request& request, const RequestTimes& times) {
  KT_CHECK(series_->tokens.has_value(), "a request before model_loaded()");
  const Series::TokenCounts& tokens = *series_->tokens;
  series_->finished[static_cast<size_t>(times.finish)]->add();
  tokens.prompt.observe(times.prompt_tokens);
  tokens.generation.observe(times.output_tokens);
  tokens.longest_choice.observe(times.longest_output_tokens);
  tokens.asked.observe(request.sampling.max_tokens);
  series_->request_n.observe(request.sampling.n);
  series_->e2e.observe(seconds(times.finished_ns - times.arrival_ns));
  if (request.tokenized_ns > 0) observe_tokenizer(request, times);
  if (times.first_scheduled_ns == 0) return;  // left while it waited
  series_->queue.observe(seconds(times.first_scheduled_ns - times.arrival_ns));
  series_->inference.observe(seconds(times.finished_ns - times.first_scheduled_ns));
  if (times.first_token_ns == 0) {
    // A prompt that was only scored has been computed all the same.
    if (request.sampling.max_tokens > 0) return;
    series_->prompt_tokens.add(times.prompt_tokens);
    tokens.computed.observe(times.prompt_tokens - times.cached_tokens);
    return;
  }
  tokens.computed.observe(times.prompt_tokens - times.cached_tokens);
  series_->prefill.observe(seconds(times.first_token_ns - times.first_scheduled_ns));
  const double decode_s = seconds(times.finished_ns - times.first_token_ns);
  series_->decode.observe(decode_s);
  // Choices of one request run side by side, so their tokens share the time.
  const double tokens_each = static_cast<double>(times.output_tokens) / request.sampling.n;
  if (tokens_each > 1) series_->per_token.observe(decode_s / (tokens_each - 1));
}

}  // namespace kilotoken
