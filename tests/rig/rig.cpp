#include "rig/rig.h"

#include <algorithm>
#include <cstring>
#include <deque>

namespace kilotoken::test {
namespace {

// FNV-1a over the bits of the logits, 4 bytes at a time.
uint64_t hash_bits(std::span<const float> values) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const float value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    hash = (hash ^ bits) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

class EngineRig::Sink final : public OutputSink {
 public:
  explicit Sink(EngineRig& rig) : rig_(rig) {}
  void on_delta(const ChoiceDelta& delta) override {
    ChoiceOutput& out = rig_.outputs_[{delta.request, delta.choice}];
    KT_CHECK(!out.finish, "a delta after the end");
    out.tokens.insert(out.tokens.end(), delta.tokens.begin(), delta.tokens.end());
    out.text += delta.text;
    out.logprobs.insert(out.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
    out.prompt_logprobs.insert(out.prompt_logprobs.end(), delta.prompt_logprobs.begin(),
                               delta.prompt_logprobs.end());
    out.finish = delta.finish;
    out.error = delta.error;
  }

 private:
  EngineRig& rig_;
};

// Between the loop and the runner: with the overlap loop, a page that was freed is filled with NaN
// only after the steps that were submitted before, and before those that were not.
class EngineRig::Poisoner final : public Runner {
 public:
  Poisoner(Runner& inner, const KvCache& kv) : inner_(inner), kv_(kv) {}

  void free_before_next(std::vector<int32_t> pages) {  // called before each submission
    const std::lock_guard lock(mutex_);
    freed_.push_back(std::move(pages));
  }
  Ticket submit(const StepPlan& plan) override {
    std::vector<int32_t> pages;
    {
      const std::lock_guard lock(mutex_);
      pages = std::move(freed_.front());
      freed_.pop_front();
    }
    for (const int32_t page : pages) kv_.poison(page);
    return inner_.submit(plan);
  }
  StepResult wait(Ticket ticket) override { return inner_.wait(ticket); }

 private:
  Runner& inner_;
  const KvCache& kv_;
  std::mutex mutex_;
  std::deque<std::vector<int32_t>> freed_;
};

class EngineRig::Submitter final : public Runner {
 public:
  Submitter(EngineRig& rig, Runner& inner) : rig_(rig), inner_(inner) {}

  Ticket submit(const StepPlan& plan) override {
    rig_.counts_.overlapped += under_way_ > 0 && !plan.rows.empty() ? 1 : 0;
    ++under_way_;
    rig_.poisoner_->free_before_next(std::exchange(rig_.freed_, {}));
    return inner_.submit(plan);
  }
  StepResult wait(Ticket ticket) override {
    --under_way_;
    return inner_.wait(ticket);
  }

 private:
  EngineRig& rig_;
  Runner& inner_;
  int under_way_ = 0;
};

EngineRig::EngineRig(const Model& model, const Tokenizer* tokenizer, const RigOptions& options)
    : kv_(KvCache::reserve(model.kv_spec(options.kv_dtype), options.page_count).value()),
      pages_(options.page_count),
      cache_(options.prefix_cache ? std::optional<PrefixCache>(std::in_place, pages_, kPageTokens)
                                  : std::nullopt),
      pool_(options.threads),
      runner_(model, kv_, pool_, clock_, options.scheduler.max_num_batched_tokens,
              [this](SequenceId sequence, int position, std::span<const float> logits) {
                record(sequence, position, logits);
              }) {
  for (int page = 0; page < options.page_count; ++page) kv_.poison(page);
  pages_.shuffle(99);
  pages_.on_free([this](int32_t page) { freed_.push_back(page); });
  poisoner_ = std::make_unique<Poisoner>(runner_, kv_);
  if (options.loop == Loop::kOverlap) async_.emplace(*poisoner_);
  submitter_ = std::make_unique<Submitter>(
      *this, async_ ? static_cast<Runner&>(*async_) : static_cast<Runner&>(*poisoner_));
  engine_ =
      std::make_unique<Engine>(options.scheduler, pages_, cache_ ? &*cache_ : nullptr, *submitter_,
                               tokenizer, clock_, static_cast<StepObserver*>(this), options.loop);
}

EngineRig::~EngineRig() = default;

void EngineRig::add(Request request) {
  engine_->add(std::make_shared<const Request>(std::move(request)), std::make_shared<Sink>(*this));
}

void EngineRig::run() {
  while (engine_->step()) engine_->scheduler().check_integrity();
  counts_.preemptions = engine_->preemption_count();
  counts_.batches = engine_->scheduler().batch_count();
  counts_.worker_pieces = pool_.worker_pieces();
  KT_CHECK_EQ(pages_.used_count(), cache_ ? cache_->page_count() : 0);
  for (auto& [sequence, hashes] : hashes_) outputs_[owners_.at(sequence)].logits_hash = hashes;
}

const ChoiceOutput& EngineRig::output(RequestId id, int choice) const {
  return outputs_.at({id, choice});
}

void EngineRig::on_step(const StepPlan& plan, const StepResult& result) {
  ++counts_.steps;
  counts_.linear_calls += result.linear_calls;
  counts_.linear_rows += result.linear_rows;
  counts_.waits += std::max(0, engine_->running_count() - static_cast<int>(plan.rows.size()));
  for (const auto& opened : plan.opened) {
    owners_[opened.sequence] = {opened.request->id, opened.choice};
  }
  counts_.copies += static_cast<int64_t>(plan.copies.size());
  int decodes = 0, prompts = 0;
  for (const Row& row : plan.rows) {
    counts_.forks += static_cast<int64_t>(row.forks.size());
    (row.count == 1 ? decodes : prompts) += 1;
    counts_.prompt_chunks += row.samples ? 0 : 1;
  }
  counts_.mixed_steps += decodes > 0 && prompts > 0 ? 1 : 0;
  counts_.max_sequences = std::max(counts_.max_sequences, static_cast<int>(plan.rows.size()));
  counts_.max_rows = std::max(counts_.max_rows, plan.tokens());
}

void EngineRig::record(SequenceId sequence, int position, std::span<const float> logits) {
  const uint64_t hash = hash_bits(logits);
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = hashes_[sequence].emplace(position, hash);
  counts_.recomputed += is_new ? 0 : 1;
  counts_.changed += at->second == hash ? 0 : 1;
}

}  // namespace kilotoken::test
