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

// Prompt and streams at one budget of tokens.
class Arrival {
 public:
  Arrival(const Subject& subject, const Options& options, int prompt, int budget)
      : streams_(options.streams), prompt_(prompt), vocab_(subject.model->config().vocab_size) {
    setup.threads = options.threads;
    setup.scheduler.max_num_seqs = streams_ + 1;
    setup.scheduler.max_num_batched_tokens = budget == kUnchunked ? 512 : budget;
    setup.scheduler.chunked_prefill = budget != kUnchunked;
    // Streams that do not end before the prompt is through.
    const int chunk = budget == kUnchunked ? prompt : std::max(1, budget - streams_);
    output_ =
        std::min(subject.model->config().max_position_embeddings - 32, 40 + prompt / chunk + 20);
    setup.page_count = streams_ * ((32 + output_) / kPageTokens + 2) + prompt / kPageTokens + 4;
  }

  // From the moment the prompt arrives to its first token.
  void measure(Workbench& bench, Measured& into) const {
    for (int i = 0; i < streams_; ++i) {
      bench.add(make_request(static_cast<RequestId>(i) + 1, 32, output_, vocab_));
    }
    while (bench.token_ms(static_cast<RequestId>(streams_)).size() < 20) bench.step();
    const size_t before = bench.token_ms(1).size();
    bench.add(make_request(kLong, prompt_, 1, vocab_));
    while (bench.token_ms(kLong).empty()) bench.step();
    std::vector<double> quiet, gaps;
    for (int i = 0; i < streams_; ++i) {
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

  int vocab() const { return vocab_; }
  Setup setup;

 private:
  const int streams_, prompt_, vocab_;
  int output_ = 0;
};

std::string name_of_budget(int budget) {
  return budget == kUnchunked ? "no chunks" : std::to_string(budget);
}

}  // namespace

// The law is learned from a first pass, and the same arrivals on a device that obeys it are the
// prediction.
void bench_chunks(const Subject& subject, const Options& options) {
  const int most = subject.model->config().max_position_embeddings - 16;
  const int prompt = std::min(options.long_prompt, most);
  std::printf("\nChunks: %d running streams, and a prompt of %d tokens arrives\n", options.streams,
              prompt);
  const std::vector<int> budgets = {16, 64, 256, 512, kUnchunked};
  std::vector<Arrival> arrivals;
  for (const int budget : budgets) arrivals.emplace_back(subject, options, prompt, budget);
  StepTiming timing;
  for (Arrival& arrival : arrivals) {
    arrival.setup.timing = &timing;
    Workbench bench(*subject.model, subject.tokenizer, arrival.setup);
    Measured first_pass;
    arrival.measure(bench, first_pass);
    arrival.setup.timing = nullptr;
  }
  const StepTiming::Learned learned = timing.learned();
  std::printf("  %s\n", learned.describe().c_str());
  std::vector<Measured> predicted(budgets.size()), measured(budgets.size());
  for (size_t i = 0; i < budgets.size(); ++i) {
    Workbench bench(learned.law, arrivals[i].vocab(), arrivals[i].setup);
    arrivals[i].measure(bench, predicted[i]);
    std::printf("  predicted: budget %s: ITL p99 %.2f ms, its TTFT %.1f ms\n",
                name_of_budget(budgets[i]).c_str(), predicted[i].p99_itl_ms.front(),
                predicted[i].first_ms.front());
  }
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (size_t i = 0; i < budgets.size(); ++i) {
      Workbench bench(*subject.model, subject.tokenizer, arrivals[i].setup);
      arrivals[i].measure(bench, measured[i]);
    }
  }
  std::printf("  %-10s %16s %24s %24s %14s %18s\n", "budget", "ITL before, ms",
              "ITL p99, ms (spread)", "predicted (off by)", "its TTFT, ms", "workspace, MiB");
  for (size_t i = 0; i < budgets.size(); ++i) {
    const int rows = budgets[i] == kUnchunked ? prompt + options.streams : budgets[i];
    const double mib =
        static_cast<double>(subject.model->workspace_bytes(rows, options.streams + 1)) / (1 << 20);
    const Measured& m = measured[i];
    const double p99 = median_of(m.p99_itl_ms), guess = predicted[i].p99_itl_ms.front();
    const auto [least, longest] = std::ranges::minmax(m.p99_itl_ms);
    std::printf("  %-10s %16.2f %10.2f (%.2f-%.2f) %14.2f (%+.0f %%) %14.1f %18.2f\n",
                name_of_budget(budgets[i]).c_str(), median_of(m.quiet_itl_ms), p99, least, longest,
                guess, 100 * (guess / p99 - 1), median_of(m.first_ms), mib);
  }
}

}  // namespace kilotoken::bench
