// What the overlap loop gains: with all CPUs computing, and with one of them left for the loop.

#include <algorithm>
#include <array>
#include <cstdio>

#include "sections.h"

namespace kilotoken::bench {
namespace {

constexpr int kOutput = 200;

struct Measured {
  double tokens_per_s = 0;
  double step_us = 0, computed_us = 0;  // of a step on average, and of that in the runner
  double wasted_rows = 0;
};

Measured measure(const Subject& subject, int threads, int streams, Loop loop) {
  Setup setup;
  setup.threads = threads;
  setup.loop = loop;
  setup.scheduler.max_num_seqs = streams;
  setup.page_count = streams * ((32 + kOutput) / kPageTokens + 2);
  Workbench bench(*subject.model, subject.tokenizer, setup);
  for (int i = 0; i < streams; ++i) {
    Request request = make_request(static_cast<RequestId>(i) + 1, 32, kOutput,
                                   subject.model->config().vocab_size);
    // Ends that nobody can foresee: where the model happens to say one of these.
    for (int32_t token = 3 + i; token < subject.model->config().vocab_size; token += 40) {
      request.sampling.stop_token_ids.push_back(token);
    }
    request.sampling.min_tokens = kOutput / 2;
    request.sampling.temperature = 1;
    request.sampling.seed = static_cast<uint64_t>(i);
    bench.add(std::move(request));
  }
  bench.run();
  const auto steps = static_cast<double>(bench.steps());
  return {.tokens_per_s = static_cast<double>(bench.output_tokens()) / bench.elapsed_ms() * 1000,
          .step_us = bench.elapsed_ms() * 1000 / steps,
          .computed_us = bench.computed_ms() * 1000 / steps,
          .wasted_rows = static_cast<double>(bench.wasted_rows())};
}

// Interleaved; the first of each is a warm-up.
void compare_loops(const Subject& subject, const Options& options, int threads, int streams) {
  std::array<std::vector<double>, 2> speeds, steps, computed;
  double wasted = 0;
  for (int repeat = -1; repeat < options.repeats; ++repeat) {
    for (const Loop loop : {Loop::kSequential, Loop::kOverlap}) {
      const Measured measured = measure(subject, threads, streams, loop);
      const size_t at = loop == Loop::kOverlap ? 1 : 0;
      if (repeat < 0) continue;
      speeds[at].push_back(measured.tokens_per_s);
      steps[at].push_back(measured.step_us);
      computed[at].push_back(measured.computed_us);
      if (at == 1) wasted = measured.wasted_rows;
    }
  }
  const double sequential = median_of(speeds[0]), overlap = median_of(speeds[1]);
  const double step_us = median_of(steps[0]), computed_us = median_of(computed[0]);
  const auto [least, most] = std::ranges::minmax(speeds[1]);
  std::printf("  %7d %7d %10.0f %10.0f %10.1f%% %12.1f %12.1f (%.0f-%.0f) %8.1f%% %10.0f %10.0f\n",
              threads, streams, step_us, step_us - computed_us, 100 * (step_us / computed_us - 1),
              sequential, overlap, least, most, 100 * (overlap / sequential - 1),
              median_of(computed[1]), wasted);
}

}  // namespace

// What can be gained is known before: all that a step of the sequential loop takes beside what is
// computed (planning, committing, detokenising, writing events).
void bench_overlap(const Subject& subject, const Options& options) {
  std::printf("\nOverlap: the gain is at most the time between steps\n");
  std::printf("  %7s %7s %10s %10s %11s %12s %22s %9s %10s %10s\n", "threads", "streams",
              "step, us", "between", "at most", "tok/s", "overlap (spread)", "gain", "computed",
              "wasted");
  for (const int threads : {options.threads, 1}) {
    for (const int streams : {options.streams, 16, 64}) {
      compare_loops(subject, options, threads, streams);
    }
    if (options.threads == 1) break;
  }
}

}  // namespace kilotoken::bench
