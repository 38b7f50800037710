// Running streams and a long prompt that arrives beside them, by the step's budget of tokens.

#include <algorithm>
#include <cstdio>

#include "sections.h"

namespace kilotoken::bench {
namespace {

constexpr RequestId kLong = 1000;
constexpr int kUnchunked = 0;

struct Measured {
  std::vector<double> quiet_itl_ms, p99_itl_ms, first_ms;
};

void measure(const Subject& subject, const Options& options, int prompt, int budget,
             Measured& into) {
  const int vocab = subject.model->config().vocab_size;
  Setup setup;
  setup.threads = options.threads;
  setup.scheduler.max_num_seqs = options.streams + 1;
  setup.scheduler.max_num_batched_tokens = budget == kUnchunked ? 512 : budget;
  setup.scheduler.chunked_prefill = budget != kUnchunked;
  // Streams that do not end before the prompt is through.
  const int chunk = budget == kUnchunked ? prompt : std::max(1, budget - options.streams);
  const int output =
      std::min(subject.model->config().max_position_embeddings - 32, 40 + prompt / chunk + 20);
  setup.page_count = options.streams * ((32 + output) / kPageTokens + 2) + prompt / kPageTokens + 4;
  Workbench bench(*subject.model, subject.tokenizer, setup);
  for (int i = 0; i < options.streams; ++i) {
    bench.add(make_request(static_cast<RequestId>(i) + 1, 32, output, vocab));
  }
  while (bench.token_ms(static_cast<RequestId>(options.streams)).size() < 20) bench.step();
  const size_t before = bench.token_ms(1).size();
  bench.add(make_request(kLong, prompt, 1, vocab));
  while (bench.token_ms(kLong).empty()) bench.step();
  std::vector<double> quiet, gaps;
  for (int i = 0; i < options.streams; ++i) {
    const std::vector<double> at = bench.token_ms(static_cast<RequestId>(i) + 1);
    for (size_t k = 2; k < at.size(); ++k) {
      (k < before ? quiet : gaps).push_back(at[k] - at[k - 1]);
    }
  }
  into.quiet_itl_ms.push_back(median_of(quiet));
  std::ranges::sort(gaps);
  into.p99_itl_ms.push_back(percentile(gaps, 99));
  into.first_ms.push_back(bench.token_ms(kLong).front());
}

}  // namespace

void bench_chunks(const Subject& subject, const Options& options) {
  const int most = subject.model->config().max_position_embeddings - 16;
  const int prompt = std::min(options.long_prompt, most);
  std::printf("\nChunks: %d running streams, and a prompt of %d tokens arrives\n", options.streams,
              prompt);
  std::printf(
      "  predicted: the longest gap of a stream is the time of one step's budget; the "
      "prompt takes longest with the smallest\n");
  const std::vector<int> budgets = {16, 64, 256, 512, kUnchunked};
  std::vector<Measured> measured(budgets.size());
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (size_t i = 0; i < budgets.size(); ++i) {
      measure(subject, options, prompt, budgets[i], measured[i]);
    }
  }
  std::printf("  %-10s %16s %16s %14s %18s\n", "budget", "ITL before, ms", "ITL p99, ms",
              "its TTFT, ms", "workspace, MiB");
  for (size_t i = 0; i < budgets.size(); ++i) {
    const bool whole = budgets[i] == kUnchunked;
    const int rows = whole ? prompt + options.streams : budgets[i];
    const double mib =
        static_cast<double>(subject.model->workspace_bytes(rows, options.streams + 1)) / (1 << 20);
    std::printf("  %-10s %16.2f %16.2f %14.1f %18.2f\n",
                whole ? "no chunks" : std::to_string(budgets[i]).c_str(),
                median_of(measured[i].quiet_itl_ms), median_of(measured[i].p99_itl_ms),
                median_of(measured[i].first_ms), mib);
  }
}

}  // namespace kilotoken::bench
