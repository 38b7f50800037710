// The scheduler alone: microseconds to plan a step, and to look a prompt up.

#include <algorithm>
#include <cstdio>

#include "sections.h"

namespace kilotoken::bench {
namespace {

constexpr int kSequences = 64, kContext = 1000, kSteps = 2000;

std::unique_ptr<Sequence> sequence_of(SequenceId id, const Request& request) {
  auto sequence = std::make_unique<Sequence>();
  sequence->id = id;
  sequence->request = std::make_shared<const Request>(request);
  sequence->length = static_cast<int>(request.prompt.size());
  return sequence;
}

double microseconds_a_step(bool prefix_cache) {
  const SystemClock clock;
  PagePool pages(kSequences * ((kContext + kSteps) / kPageTokens + 2));
  PrefixCache cache(pages, kPageTokens);
  SchedulerConfig config;
  config.max_num_seqs = kSequences;
  Scheduler scheduler(config, pages, prefix_cache ? &cache : nullptr);
  std::vector<Sequence*> sequences;
  for (SequenceId id = 1; id <= kSequences; ++id) {
    auto sequence = sequence_of(id, make_request(id, kContext, kSteps + 400, 1000));
    sequences.push_back(sequence.get());
    scheduler.add(std::move(sequence));
  }
  const auto step = [&] {
    const StepPlan plan = scheduler.plan();
    for (const Row& row : plan.rows) {
      if (row.samples) sequences[row.sequence - 1]->output.push_back(7);
    }
    return plan.rows.size();
  };
  while (step() < kSequences) {
  }
  std::vector<double> each;
  for (int i = 0; i < kSteps; ++i) {
    const int64_t begin_ns = clock.now_ns();
    const StepPlan plan = scheduler.plan();
    each.push_back(static_cast<double>(clock.now_ns() - begin_ns) * 1e-3);
    for (const Row& row : plan.rows) sequences[row.sequence - 1]->output.push_back(7);
  }
  return median_of(each);
}

// Microseconds for 1,000 tokens of a prompt that is there.
double microseconds_a_lookup() {
  const SystemClock clock;
  PagePool pages(512);
  PrefixCache cache(pages, kPageTokens);
  const Request request = make_request(1, 8000, 1, 1000);
  const std::span<const int32_t> tokens(request.prompt);
  const std::string salt(32, 's');
  const size_t page_count = tokens.size() / kPageTokens;
  PrefixCache::Node* node = nullptr;
  for (size_t page = 0; page < page_count; ++page) {
    const int32_t id = pages.allocate().value();
    node = cache.insert(node, salt, tokens.subspan(page * kPageTokens, kPageTokens), id);
  }
  std::vector<double> each;
  for (int i = 0; i < 500; ++i) {
    const int64_t begin_ns = clock.now_ns();
    node = nullptr;
    for (size_t page = 0; page < page_count; ++page) {
      node = cache.find(node, salt, tokens.subspan(page * kPageTokens, kPageTokens));
    }
    each.push_back(static_cast<double>(clock.now_ns() - begin_ns) * 1e-3);
  }
  return median_of(each) * 1000 / static_cast<double>(page_count * kPageTokens);
}

}  // namespace

void bench_scheduler(const Options&) {
  std::printf("\nScheduler: %d running sequences of %d tokens and more\n", kSequences, kContext);
  std::printf("  a step is planned in %.1f microseconds, with the prefix cache in %.1f (aim: 20)\n",
              microseconds_a_step(false), microseconds_a_step(true));
  std::printf("  1,000 tokens are looked up in %.2f microseconds (aim: 5)\n",
              microseconds_a_lookup());
}

}  // namespace kilotoken::bench
