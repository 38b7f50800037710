// Static and continuous batching, and overlap: many requests at once (appendix C.3.2).

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/rng.h"
#include "sections.h"

namespace kilotoken::bench {
namespace {

struct Load {
  std::vector<Request> requests;
  int batch = 0, budget = 0;
  int64_t prompt_tokens = 0, output_tokens = 0;
};

// Prompts of 32 to 512 tokens, outputs log-uniform from 16 to 512.
Load make_load(const Options& options, int vocab, int context) {
  Load load;
  load.batch = options.batch;
  load.budget = 512;
  for (int i = 0; i < options.requests; ++i) {
    const auto position = static_cast<uint64_t>(i);
    const int longest = std::min(512, context / 2 - 1);
    const int prompt = 32 + static_cast<int>(uniform_at(7, 0, position) * (longest - 31));
    const double log_ratio = std::log(static_cast<double>(longest) / 16);
    const int output = static_cast<int>(16 * std::exp(uniform_at(7, 1, position) * log_ratio));
    load.requests.push_back(make_request(position + 1, prompt, output, vocab));
    load.prompt_tokens += prompt;
    load.output_tokens += output;
  }
  return load;
}

enum Policy { kStatic, kContinuous, kOverlapped, kPolicies };
constexpr std::array<const char*, kPolicies> kNames = {"static", "continuous", "+ overlap"};

Setup setup_of(const Options& options, const Load& load, Policy policy) {
  Setup setup;
  setup.threads = options.threads;
  setup.page_count = load.batch * 17 + 8;
  setup.scheduler.max_num_seqs = load.batch;
  setup.scheduler.max_num_batched_tokens = load.budget;
  setup.scheduler.static_batch_wait_ns = 0;
  if (policy == kStatic) setup.scheduler.batching = Batching::kStatic;
  if (policy == kOverlapped) setup.loop = Loop::kOverlap;
  return setup;
}

// The same engine on a device that takes as long as the law says.
double simulated_ms(const StepTimeLaw& law, const Setup& setup, const Load& load, int vocab) {
  Workbench bench(law, vocab, setup);
  for (const Request& request : load.requests) bench.add(request);
  bench.run();
  return bench.elapsed_ms();
}

// Every step full: all prompts in whole budgets, all output with the batch full to the last step.
double perfect_ms(const StepTimeLaw& law, const Load& load) {
  StepWork prompts;
  for (const Request& request : load.requests) {
    prompts.add_row(0, static_cast<int>(request.prompt.size()), 1);
  }
  const double prompt_steps = std::ceil(static_cast<double>(load.prompt_tokens) / load.budget);
  double ns = law.predict_ns(prompts) + (prompt_steps - 1) * law.predict_ns(StepWork{});
  double context = 0, tokens = 0;
  for (const Request& request : load.requests) {
    const double output = request.sampling.max_tokens;
    context += output * (static_cast<double>(request.prompt.size()) + output / 2);
    tokens += output;
  }
  StepWork decode;
  for (int i = 0; i < load.batch; ++i) decode.add_row(static_cast<int>(context / tokens), 1, 1);
  const auto decoded =
      static_cast<double>(load.output_tokens) - static_cast<double>(load.requests.size());
  ns += decoded / load.batch * law.predict_ns(decode);
  return ns * 1e-6;
}

struct Measured {
  std::vector<double> ms, p95_itl_ms;
};

void measure(const Subject& subject, const Options& options, const Load& load, Policy policy,
             Measured& into) {
  Workbench bench(*subject.model, subject.tokenizer, setup_of(options, load, policy));
  for (const Request& request : load.requests) bench.add(request);
  bench.run();
  std::vector<double> gaps;
  for (const Request& request : load.requests) {
    const std::vector<double> at = bench.token_ms(request.id);
    for (size_t i = 1; i < at.size(); ++i) gaps.push_back(at[i] - at[i - 1]);
  }
  into.ms.push_back(bench.elapsed_ms());
  std::ranges::sort(gaps);
  into.p95_itl_ms.push_back(percentile(gaps, 95));
}

StepTimeLaw learn(const Subject& subject, const Options& options, const Load& load) {
  StepTiming timing;
  Setup setup = setup_of(options, load, kContinuous);
  setup.timing = &timing;
  Workbench bench(*subject.model, subject.tokenizer, setup);
  for (const Request& request : load.requests) bench.add(request);
  bench.run();
  const StepTiming::Learned learned = timing.learned();
  std::printf("  %s\n", learned.describe().c_str());
  return learned.law;
}

}  // namespace

void bench_policies(const Subject& subject, const Options& options) {
  const int vocab = subject.model->config().vocab_size;
  const Load load = make_load(options, vocab, subject.model->config().max_position_embeddings);
  std::printf(
      "\nPolicies: %d requests at once, %lld prompt and %lld output tokens, %d run at a time\n",
      options.requests, static_cast<long long>(load.prompt_tokens),
      static_cast<long long>(load.output_tokens), load.batch);
  const StepTimeLaw law = learn(subject, options, load);
  std::array<double, kPolicies> predicted{};
  for (int p = 0; p < kPolicies; ++p) {
    const Setup setup = setup_of(options, load, static_cast<Policy>(p));
    predicted[static_cast<size_t>(p)] = simulated_ms(law, setup, load, vocab);
  }
  const double perfect = perfect_ms(law, load);
  const double packer_ratio = predicted[kStatic] / perfect;
  std::printf(
      "  predicted: a perfect packer is %.2f times as fast as static batches, continuous "
      "%.2f times\n",
      packer_ratio, predicted[kStatic] / predicted[kContinuous]);
  std::array<Measured, kPolicies> measured;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (int p = 0; p < kPolicies; ++p) {
      measure(subject, options, load, static_cast<Policy>(p), measured[static_cast<size_t>(p)]);
    }
  }
  const double base_ms = median_of(measured[kStatic].ms);
  std::printf("  %-12s %12s %12s %10s %14s\n", "", "predicted s", "measured s", "tok/s",
              "p95 ITL, ms");
  for (size_t p = 0; p < kPolicies; ++p) {
    const double ms = median_of(measured[p].ms);
    std::printf("  %-12s %12.2f %12.2f %10.1f %14.2f   %.2f times static\n", kNames[p],
                predicted[p] / 1000, ms / 1000, static_cast<double>(load.output_tokens) / ms * 1000,
                median_of(measured[p].p95_itl_ms), base_ms / ms);
  }
  const double ratio = base_ms / median_of(measured[kContinuous].ms);
  std::printf("  continuous reaches %.0f %% of the perfect packer's ratio\n",
              100 * ratio / packer_ratio);
}

}  // namespace kilotoken::bench
