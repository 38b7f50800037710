// Without a KV cache, with one, with a prefix hit: time to first token and per token (C.3.1).

#include <algorithm>
#include <array>
#include <cstdio>

#include "sections.h"

namespace kilotoken::bench {
namespace {

constexpr int kOutput = 9;  // the first token, and eight after it

enum Way { kNone, kCached, kPrefix, kWays };
constexpr std::array<const char*, kWays> kNames = {"no KV cache", "KV cache", "+ prefix hit"};

struct Measured {
  std::vector<double> first_ms, token_ms;
};

void measure(const Subject& subject, const Options& options, int context, Way way, Measured& into) {
  Setup setup;
  setup.threads = options.threads;
  setup.prefix_cache = way == kPrefix;
  setup.scheduler.max_num_seqs = 1;
  setup.scheduler.kv_cache = way != kNone;
  setup.page_count = 2 * (context / kPageTokens + 2);
  Workbench bench(*subject.model, subject.tokenizer, setup);
  const int vocab = subject.model->config().vocab_size;
  Request request = make_request(1, context, kOutput, vocab);
  if (way == kPrefix) {  // a first turn of the same conversation: all but the last 20 tokens
    Request before = request;
    before.id = 2;
    before.prompt.resize(static_cast<size_t>(context) - 20);
    before.sampling.max_tokens = 1;
    bench.add(std::move(before));
    bench.run();
  }
  bench.add(std::move(request));
  bench.run();
  const std::vector<double> at = bench.token_ms(1);
  into.first_ms.push_back(at.front());
  into.token_ms.push_back((at.back() - at.front()) / (kOutput - 1));
}

// What a hit may cost at most: an empty request, two decode steps, and a page of prefill where the
// hit has its own, behind all that was found (attention looks at all of it).
struct Aim {
  std::vector<double> empty_ms, page_ms;
};

void measure_aim(const Subject& subject, const Options& options, int context, Aim& into) {
  Setup setup;
  setup.threads = options.threads;
  setup.scheduler.max_num_seqs = 1;
  setup.scheduler.max_num_batched_tokens = kPageTokens;
  setup.page_count = context / kPageTokens + 3;
  Workbench bench(*subject.model, subject.tokenizer, setup);
  const int vocab = subject.model->config().vocab_size;
  bench.add(make_request(1, 1, 1, vocab));
  bench.run();
  into.empty_ms.push_back(bench.token_ms(1).front());
  // Page by page; the last step is the page that is asked for.
  bench.add(make_request(2, context, 1, vocab));
  const SystemClock clock;
  int64_t begin_ns = 0;
  while (bench.token_ms(2).empty()) {
    begin_ns = clock.now_ns();
    bench.step();
  }
  into.page_ms.push_back(static_cast<double>(clock.now_ns() - begin_ns) * 1e-6);
}

}  // namespace

void bench_kv_cache(const Subject& subject, const Options& options) {
  std::printf("\nKV cache: one sequence; a token without it costs as much as its whole prompt\n");
  std::printf(
      "  predicted: TPOT without a cache = TTFT without; with a prefix hit the TTFT of what "
      "is new\n");
  std::printf("  %8s  %-14s %12s %12s\n", "context", "", "TTFT, ms", "TPOT, ms");
  const int most = subject.model->config().max_position_embeddings - kOutput;
  for (const int context : {128, 512, 1024, 4096}) {
    if (context > most || context > options.long_prompt) continue;
    std::array<Measured, kWays> measured;
    Aim aim;
    for (int repeat = 0; repeat < options.repeats; ++repeat) {
      for (int way = 0; way < kWays; ++way) {
        measure(subject, options, context, static_cast<Way>(way),
                measured[static_cast<size_t>(way)]);
      }
      measure_aim(subject, options, context, aim);
    }
    const double base = median_of(measured[kNone].first_ms),
                 token = median_of(measured[kNone].token_ms);
    for (size_t way = 0; way < kWays; ++way) {
      const double first_ms = median_of(measured[way].first_ms);
      const double token_ms = median_of(measured[way].token_ms);
      std::printf("  %8d  %-14s %12.2f %12.2f   TTFT %.1f times, TPOT %.1f times as fast\n",
                  context, kNames[way], first_ms, token_ms, base / first_ms, token / token_ms);
    }
    const double empty_ms = median_of(aim.empty_ms), page_ms = median_of(aim.page_ms);
    const double step_ms = median_of(measured[kCached].token_ms);
    const double limit_ms = empty_ms + 2 * step_ms + page_ms;
    const double hit_ms = median_of(measured[kPrefix].first_ms);
    std::printf(
        "  %8s  a hit's aim: %.2f ms (empty request %.2f, two decode steps %.2f, a page at this "
        "depth %.2f): %s\n",
        "", limit_ms, empty_ms, 2 * step_ms, page_ms, hit_ms <= limit_ms ? "met" : "missed");
  }
}

}  // namespace kilotoken::bench
