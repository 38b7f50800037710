#include "engine/run/local_runner.h"

#include <algorithm>

namespace kilotoken {

// What the next step needs of a sequence.
struct LocalRunner::Slot {
  std::shared_ptr<const Request> request;
  int choice = 0;
  std::vector<int32_t> tokens;     // prompt and all that was sampled
  std::vector<int32_t> forbidden;  // EOS and stop ids, while under min_tokens
  SamplingState state;

  int output_tokens() const {
    return static_cast<int>(tokens.size()) - static_cast<int>(request->prompt.size());
  }
};

// The flat arrays of one step.
struct LocalRunner::Step {
  std::vector<int32_t> tokens, positions, logit_rows;
  std::vector<SequenceRows> sequences;
};

LocalRunner::LocalRunner(const Model& model, const KvCache& kv, ThreadPool& pool,
                         const Clock& clock, int max_rows, LogitsProbe probe)
    : model_(model), kv_(kv), pool_(pool), clock_(clock), probe_(std::move(probe)) {
  workspace_rows_ = max_rows;
}

LocalRunner::~LocalRunner() = default;

void LocalRunner::open(const StepPlan::Open& open) {
  Slot slot;
  slot.request = open.request;
  slot.choice = open.choice;
  slot.tokens = open.request->prompt;
  const SamplingParams& sampling = open.request->sampling;
  if (sampling.min_tokens > 0) {
    slot.forbidden = sampling.stop_token_ids;
    slot.forbidden.insert(slot.forbidden.end(), open.request->eos_token_ids.begin(),
                          open.request->eos_token_ids.end());
  }
  if (sampling.repetition_penalty != 1.0f) {
    for (const int32_t token : open.request->prompt) ++slot.state.prompt_counts[token];
  }
  const bool is_new = slots_.emplace(open.sequence, std::move(slot)).second;
  KT_CHECK(is_new, "a sequence was opened twice");
}

void LocalRunner::lay_out(const StepPlan& plan, Step& step) {
  for (const Row& row : plan.rows) {
    const Slot& slot = slots_.at(row.sequence);
    KT_CHECK_LE(row.first + row.count, static_cast<int>(slot.tokens.size()));
    const auto first_row = static_cast<int32_t>(step.tokens.size());
    step.sequences.push_back({first_row, row.count, row.first, row.pages.data()});
    for (int i = 0; i < row.count; ++i) {
      step.tokens.push_back(slot.tokens[static_cast<size_t>(row.first + i)]);
      step.positions.push_back(row.first + i);
      const bool last = i + 1 == row.count;
      if (row.wants_logits == LogitsWanted::kAll ||
          (row.wants_logits == LogitsWanted::kLast && last)) {
        step.logit_rows.push_back(first_row + i);
      }
    }
  }
}

Ticket LocalRunner::submit(const StepPlan& plan) {
  const int64_t started_ns = clock_.now_ns();
  for (const SequenceId sequence : plan.closed) slots_.erase(sequence);
  for (const auto& opened : plan.opened) open(opened);
  for (const auto& copy : plan.copies) kv_.copy(copy.from, copy.to, copy.tokens);
  StepResult result;
  if (!plan.rows.empty()) {
    Step step;
    lay_out(plan, step);
    const int rows = static_cast<int>(step.tokens.size());
    const int logit_rows = static_cast<int>(step.logit_rows.size());
    if (!workspace_ || rows > workspace_rows_ || logit_rows > workspace_logit_rows_) {
      workspace_rows_ = std::max(workspace_rows_, rows);
      workspace_logit_rows_ = std::max(workspace_logit_rows_, logit_rows);
      workspace_.emplace(model_.workspace_bytes(workspace_rows_, workspace_logit_rows_));
    }
    const ForwardOut out = model_.forward(
        {step.tokens, step.positions, step.sequences, step.logit_rows, &kv_}, *workspace_, pool_);
    result.linear_calls = out.linear.calls;
    result.linear_rows = out.linear.rows;
    read_logits(plan, step, out.logits, result);
  }
  result.compute_ns = clock_.now_ns() - started_ns;
  results_.emplace(next_ticket_, std::move(result));
  return next_ticket_++;
}

StepResult LocalRunner::wait(Ticket ticket) {
  auto node = results_.extract(ticket);
  KT_CHECK(!node.empty(), "no such ticket");
  return std::move(node.mapped());
}

// Rows are independent, so they are sampled in parallel: each touches its own slot and result only.
void LocalRunner::read_logits(const StepPlan& plan, const Step& step, std::span<const float> logits,
                              StepResult& result) {
  const auto vocab = static_cast<size_t>(model_.config().vocab_size);
  std::vector<size_t> first_logits;  // by plan row
  size_t next = 0;
  for (const Row& row : plan.rows) {
    first_logits.push_back(next);
    if (row.wants_logits == LogitsWanted::kAll) next += static_cast<size_t>(row.count);
    if (row.wants_logits == LogitsWanted::kLast) next += 1;
  }
  KT_CHECK_EQ(next, step.logit_rows.size());
  first_logits.push_back(next);
  struct Reader {
    SequenceId sequence;
    size_t row;  // whose logits it reads
  };
  std::vector<Reader> readers;
  for (size_t i = 0; i < plan.rows.size(); ++i) readers.push_back({plan.rows[i].sequence, i});
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    for (const SequenceId fork : plan.rows[i].forks) readers.push_back({fork, i});
  }
  result.rows.resize(readers.size());
  pool_.run(static_cast<int64_t>(readers.size()), 1, [&](int, int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const Reader& reader = readers[i];
      const size_t first = first_logits[reader.row];
      const size_t count = first_logits[reader.row + 1] - first;
      result.rows[i].sequence = reader.sequence;
      if (count == 0) continue;
      sample(reader.sequence, plan.rows[reader.row], logits.subspan(first * vocab, count * vocab),
             result.rows[i]);
    }
  });
}

// `logits` [wanted rows, vocab]: all of the row's, or the last only.
void LocalRunner::sample(SequenceId sequence, const Row& row, std::span<const float> logits,
                         RowResult& result) {
  Slot& slot = slots_.at(sequence);
  const auto vocab = static_cast<size_t>(model_.config().vocab_size);
  const SamplingParams& params = slot.request->sampling;
  const int wanted = static_cast<int>(logits.size() / vocab);
  const int first_predicted = row.first + row.count - wanted + 1;
  const int prompt_tokens = static_cast<int>(slot.request->prompt.size());
  for (int i = 0; i < wanted; ++i) {
    const int position = first_predicted + i;
    const auto row_logits = logits.subspan(static_cast<size_t>(i) * vocab, vocab);
    if (probe_) probe_(sequence, position, row_logits);
    if (params.prompt_logprobs && position < prompt_tokens) {
      if (result.prompt_logprobs.empty()) result.first_prompt_position = position;
      result.prompt_logprobs.push_back(token_logprob(
          row_logits, slot.tokens[static_cast<size_t>(position)], *params.prompt_logprobs));
    }
  }
  if (!row.samples) return;
  const auto last = logits.last(vocab);
  std::vector<float> scratch(last.begin(), last.end());
  const bool under_minimum = slot.output_tokens() < params.min_tokens;
  const int position = row.first + row.count;
  result.sampled = true;
  result.sample = sample_token(scratch, {&params, &slot.state,
                                         under_minimum ? std::span<const int32_t>(slot.forbidden)
                                                       : std::span<const int32_t>(),
                                         slot.choice, position});
  // A row without a token still ends the sequence; nobody sees what is computed of the placeholder.
  const int32_t token = result.sample.bad_logits ? 0 : result.sample.token;
  if (params.logprobs && !result.sample.bad_logits) {
    result.logprob = token_logprob(last, token, *params.logprobs);
  }
  slot.tokens.push_back(token);
  ++slot.state.output_counts[token];
}

}  // namespace kilotoken
