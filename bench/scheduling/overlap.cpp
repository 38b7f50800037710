// What the overlap loop gains: with all CPUs computing, and with one of them left for the loop.

#include <array>
#include <cstdio>

#include "sections.h"

namespace kilotoken::bench {
namespace {

constexpr int kOutput = 200;

struct Measured {
  double tokens_per_s = 0;
  double wasted_rows = 0;
};

Measured measure(const Subject& subject, const Options& options, int threads, Loop loop) {
  Setup setup;
  setup.threads = threads;
  setup.loop = loop;
  setup.scheduler.max_num_seqs = options.streams;
  setup.page_count = options.streams * ((32 + kOutput) / kPageTokens + 2);
  Workbench bench(*subject.model, subject.tokenizer, setup);
  for (int i = 0; i < options.streams; ++i) {
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
  return {static_cast<double>(bench.output_tokens()) / bench.elapsed_ms() * 1000,
          static_cast<double>(bench.wasted_rows())};
}

}  // namespace

void bench_overlap(const Subject& subject, const Options& options) {
  std::printf("\nOverlap: %d streams; what is gained is the time between steps, at most\n",
              options.streams);
  std::printf("  %8s %18s %18s %8s %12s\n", "threads", "sequential, tok/s", "overlap, tok/s",
              "gain", "wasted rows");
  for (const int threads : {options.threads, 1}) {
    std::array<std::vector<double>, 2> speeds;
    double wasted = 0;
    for (int repeat = 0; repeat < options.repeats; ++repeat) {
      for (const Loop loop : {Loop::kSequential, Loop::kOverlap}) {
        const Measured measured = measure(subject, options, threads, loop);
        speeds[loop == Loop::kOverlap ? 1 : 0].push_back(measured.tokens_per_s);
        if (loop == Loop::kOverlap) wasted = measured.wasted_rows;
      }
    }
    const double sequential = median_of(speeds[0]), overlap = median_of(speeds[1]);
    std::printf("  %8d %18.1f %18.1f %7.1f%% %12.0f\n", threads, sequential, overlap,
                100 * (overlap / sequential - 1), wasted);
    if (options.threads == 1) break;
  }
}

}  // namespace kilotoken::bench
