// Running streams and a long prompt that arrives beside them, by the step's budget of tokens.

#include <algorithm>
#include <cstdio>

#include "sections.h"

namespace kilotoken::bench {
namespace {

constexpr RequestId kLong = 1000;
constexpr int kUnchunked = 0;

double p99_of(std::vector<double> values) {
  std::ranges::sort(values);
  return percentile(values, 99);
}

struct Measured {
  std::vector<double> quiet_itl_ms, first_ms;
  std::vector<std::vector<double>> gaps_ms;  // of each repeat, in the same order

  std::vector<double> p99s() const {
    std::vector<double> each;
    for (const std::vector<double>& gaps : gaps_ms) each.push_back(p99_of(gaps));
    return each;
  }

  // The P99 of an arrival in which every step takes its median. All repeats have the same steps,
  // and few of them where the budget is large: then a repeat's own P99 is its longest step, and
  // that is the one which the machine held up, not the one with the most work, of which the law
  // speaks.
  double p99_of_medians() const {
    std::vector<double> typical;
    for (size_t i = 0; i < gaps_ms.front().size(); ++i) {
      std::vector<double> of_all;
      for (const std::vector<double>& gaps : gaps_ms) of_all.push_back(gaps.at(i));
      typical.push_back(median_of(of_all));
    }
    return p99_of(std::move(typical));
  }
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
    into.gaps_ms.push_back(std::move(gaps));
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

// Passes over all budgets teach the law and are measured in turn, so that both see the machine as
// it is in the same minutes. The law as it stands before a pass is measured gives the prediction of
// it: the same arrivals on a device that obeys it. It never sees a step that it is held against.
void bench_chunks(const Subject& subject, const Options& options) {
  const int most = subject.model->config().max_position_embeddings - 16;
  const int prompt = std::min(options.long_prompt, most);
  std::printf("\nChunks: %d running streams, and a prompt of %d tokens arrives\n", options.streams,
              prompt);
  const std::vector<int> budgets = {16, 64, 256, 512, kUnchunked};
  std::vector<Arrival> arrivals;
  for (const int budget : budgets) arrivals.emplace_back(subject, options, prompt, budget);
  StepTiming timing;
  std::vector<Measured> taught(budgets.size()), predicted(budgets.size()), measured(budgets.size());
  const auto pass = [&](StepTiming* teaches, std::vector<Measured>& into) {
    for (size_t i = 0; i < budgets.size(); ++i) {
      arrivals[i].setup.timing = teaches;
      Workbench bench(*subject.model, subject.tokenizer, arrivals[i].setup);
      arrivals[i].measure(bench, into[i]);
      arrivals[i].setup.timing = nullptr;
    }
  };
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    pass(&timing, taught);
    const StepTiming::Learned learned = timing.learned();
    std::printf("  %s\n", learned.describe().c_str());
    for (size_t i = 0; i < budgets.size(); ++i) {
      Workbench bench(learned.law, arrivals[i].vocab(), arrivals[i].setup);
      arrivals[i].measure(bench, predicted[i]);
      std::printf("  predicted: budget %s: ITL p99 %.2f ms, its TTFT %.1f ms (taught by %.1f ms)\n",
                  name_of_budget(budgets[i]).c_str(), predicted[i].p99s().back(),
                  predicted[i].first_ms.back(), taught[i].first_ms.back());
    }
    pass(nullptr, measured);
  }
  // The passes that taught have the same steps as those measured: what they are off by is the
  // machine's part, which no law can know.
  std::printf("  %-10s %6s %10s %24s %10s %20s %20s %10s %10s\n", "budget", "steps", "ITL before",
              "ITL p99, ms (spread)", "of medians", "predicted (off by)", "taught by (off by)",
              "TTFT, ms", "space, MiB");
  for (size_t i = 0; i < budgets.size(); ++i) {
    const int rows = budgets[i] == kUnchunked ? prompt + options.streams : budgets[i];
    const double mib =
        static_cast<double>(subject.model->workspace_bytes(rows, options.streams + 1)) / (1 << 20);
    const Measured& m = measured[i];
    const std::vector<double> p99s = m.p99s();
    const double typical = m.p99_of_medians(), guess = predicted[i].p99_of_medians(),
                 teacher = taught[i].p99_of_medians();
    const auto [least, longest] = std::ranges::minmax(p99s);
    std::printf(
        "  %-10s %6zu %10.2f %8.2f (%.2f-%.2f) %10.2f %10.2f (%+.0f %%) %10.2f (%+.0f %%) %10.1f "
        "%10.2f\n",
        name_of_budget(budgets[i]).c_str(),
        m.gaps_ms.front().size() / static_cast<size_t>(options.streams), median_of(m.quiet_itl_ms),
        median_of(p99s), least, longest, typical, guess, 100 * (guess / typical - 1), teacher,
        100 * (teacher / typical - 1), median_of(m.first_ms), mib);
  }
}

}  // namespace kilotoken::bench
