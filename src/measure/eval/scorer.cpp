#include "measure/eval/scorer.h"

#include <algorithm>

#include "base/clock.h"
#include "engine/kv/page_pool.h"
#include "engine/run/local_runner.h"
#include "serve/load/served_model.h"

namespace kilotoken {
namespace {

int pages_of(size_t tokens) {
  return static_cast<int>((tokens + kPageTokens - 1) / static_cast<size_t>(kPageTokens));
}

// Fills steps with the texts in order; only the last text of a step may go on in the next one.
class Steps {
 public:
  Steps(std::span<const ScoredText> texts, PagePool& pages, int max_rows)
      : texts_(texts), pages_(pages), max_rows_(max_rows) {}

  bool done() const { return text_ == texts_.size(); }

  StepPlan next() {
    StepPlan plan;
    plan.closed = std::exchange(finished_, {});
    for (int room = max_rows_; room > 0 && !done();) room -= add_row(room, plan);
    return plan;
  }

  void computed() {
    for (const int32_t page : finished_pages_) pages_.release(page);
    finished_pages_.clear();
  }

 private:
  int add_row(int room, StepPlan& plan) {
    const ScoredText& text = texts_[text_];
    const int length = static_cast<int>(text.inputs.size());
    const SequenceId sequence = text_ + 1;
    if (begin_ == 0) {
      auto request = std::make_shared<Request>();
      request->prompt = text.inputs;
      plan.opened.push_back({sequence, std::move(request), 0});
      for (int i = 0; i < pages_of(text.inputs.size()); ++i) {
        own_pages_.push_back(pages_.allocate().value());
      }
    }
    const int count = std::min(room, length - begin_), end = begin_ + count;
    const auto wanted = text.first > end    ? LogitsWanted::kNone
                        : text.first == end ? LogitsWanted::kLast
                                            : LogitsWanted::kAll;
    plan.rows.push_back({sequence, begin_, count, wanted, /*samples=*/false, own_pages_, {}});
    begin_ = end;
    if (begin_ == length) {
      finished_.push_back(sequence);
      finished_pages_.insert(finished_pages_.end(), own_pages_.begin(), own_pages_.end());
      own_pages_.clear();
      begin_ = 0;
      ++text_;
    }
    return count;
  }

  std::span<const ScoredText> texts_;
  PagePool& pages_;
  int max_rows_;
  size_t text_ = 0;  // the one under way, and how much of it is planned
  int begin_ = 0;
  std::vector<int32_t> own_pages_, finished_pages_;
  std::vector<SequenceId> finished_;
};

}  // namespace

Result<void> Scorer::run(std::span<const ScoredText> texts, const Visit& visit) const {
  size_t longest = 0;
  for (const ScoredText& text : texts) {
    KT_CHECK(!text.inputs.empty() && text.first >= 1, "a text needs a token to begin with");
    longest = std::max(longest, text.inputs.size());
  }
  // One text from the step before, one that goes on in the next, the others within this step.
  const int page_count = 2 * pages_of(longest) + max_rows_;
  KT_TRY(const KvCache kv,
         KvCache::reserve(model_.kv_spec(default_kv_dtype(model_.weight_dtype())), page_count));
  PagePool pages(page_count);
  const SystemClock clock;
  LocalRunner runner(model_, kv, pool_, clock, max_rows_,
                     [&](SequenceId sequence, int position, std::span<const float> logits) {
                       const size_t text = sequence - 1;
                       if (position >= texts[text].first) visit(text, position, logits);
                     });
  Steps steps(texts, pages, max_rows_);
  while (!steps.done()) {
    const StepResult result = runner.wait(runner.submit(steps.next()));
    if (!result.error.empty()) return Error{ErrorCode::kInternal, result.error, {}};
    steps.computed();
  }
  return {};
}

}  // namespace kilotoken
