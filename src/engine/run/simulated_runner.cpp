#include "engine/run/simulated_runner.h"

#include <algorithm>
#include <utility>

#include "base/rng.h"
#include "engine/run/step_timing.h"

namespace kilotoken {

struct SimulatedRunner::Slot {
  std::shared_ptr<const Request> request;
  int choice = 0;
  std::vector<int32_t> tokens;  // prompt and all that was sampled
};

SimulatedRunner::SimulatedRunner(const SimulatedDevice& device, ManualClock& clock, Faults faults)
    : device_(device),
      clock_(clock),
      faults_(std::move(faults)),
      kv_(device.page_count, device.page_tokens) {
  KT_CHECK_GE(device.vocab_size, 1);
}

SimulatedRunner::~SimulatedRunner() = default;

void SimulatedRunner::open(const StepPlan::Open& opened) {
  Slot slot{opened.request, opened.choice, opened.request->prompt};
  const bool is_new = slots_.emplace(opened.sequence, std::move(slot)).second;
  KT_CHECK(is_new, "a sequence was opened twice");
}

int64_t SimulatedRunner::duration_ns(const StepPlan& plan) {
  const double spread = 2 * uniform_at(device_.seed, 0, next_ticket_) - 1;
  const double ns = device_.law.predict_ns(work_of(plan)) * (1 + device_.jitter * spread);
  return std::max<int64_t>(1, static_cast<int64_t>(ns));
}

Ticket SimulatedRunner::submit(const StepPlan& plan) {
  for (const SequenceId sequence : plan.closed) {
    KT_CHECK_EQ(slots_.erase(sequence), 1u);
  }
  for (const auto& opened : plan.opened) open(opened);
  for (const auto& copy : plan.copies) kv_.copy(copy.from, copy.to, copy.tokens);
  StepFault fault;
  Done done;
  // With the overlap loop, a step may come after one that failed and gave it no token.
  for (const Row& row : plan.rows) {
    const size_t known = slots_.at(row.sequence).tokens.size();
    if (static_cast<size_t>(row.first + row.count) > known) fault.error = "a step before failed";
  }
  if (!plan.rows.empty() && fault.error.empty()) {
    if (faults_) fault = faults_(plan);
    done.result.compute_ns = duration_ns(plan) + fault.hang_ns;
  }
  if (!fault.error.empty()) {
    done.result.error = fault.error;
  } else {
    done.result.rows.resize(plan.rows.size());
    for (size_t i = 0; i < plan.rows.size(); ++i) {
      const bool nan = std::ranges::find(fault.nan_rows, i) != fault.nan_rows.end();
      const SimulatedKv::Reading reading = compute(plan.rows[i], nan, done.result.rows[i]);
      for (const SequenceId fork : plan.rows[i].forks) {
        done.result.rows.push_back({});
        done.result.rows.back().sequence = fork;
        sample(slots_.at(fork), plan.rows[i], reading, done.result.rows.back());
      }
    }
  }
  free_ns_ = std::max(free_ns_, clock_.now_ns()) + done.result.compute_ns;
  done.ends_ns = free_ns_;
  done_.emplace(next_ticket_, std::move(done));
  return next_ticket_++;
}

StepResult SimulatedRunner::wait(Ticket ticket) {
  auto node = done_.extract(ticket);
  KT_CHECK(!node.empty(), "no such ticket");
  Done& done = node.mapped();
  if (done.ends_ns > clock_.now_ns()) clock_.advance_ns(done.ends_ns - clock_.now_ns());
  return std::move(done.result);
}

SimulatedKv::Reading SimulatedRunner::compute(const Row& row, bool nan, RowResult& result) {
  Slot& slot = slots_.at(row.sequence);
  const int page_tokens = device_.page_tokens;
  result.sequence = row.sequence;
  KT_CHECK_LE(row.first + row.count, static_cast<int>(slot.tokens.size()));
  KT_CHECK_LE(row.first + row.count, static_cast<int>(row.pages.size()) * page_tokens);
  SimulatedKv::Reading reading = kv_.read(row.pages, row.first);
  reading.sum += simulated_salt(slot.request->cache_salt);
  if (nan) reading.is_number = false;
  const SamplingParams& params = slot.request->sampling;
  const int prompt_tokens = static_cast<int>(slot.request->prompt.size());
  for (int position = row.first; position < row.first + row.count; ++position) {
    const int page = position / page_tokens, at = position % page_tokens;
    const int32_t id = row.pages[static_cast<size_t>(page)];
    const uint64_t value =
        simulated_slot(reading.sum, slot.tokens[static_cast<size_t>(position)], position);
    kv_.write(id, at, value);
    if (!reading.is_number) kv_.write_nan(id, at);
    reading.sum += simulated_share(value, page);
    const int next = position + 1;
    if (row.wants_logits == LogitsWanted::kAll && params.prompt_logprobs && next < prompt_tokens) {
      if (result.prompt_logprobs.empty()) result.first_prompt_position = next;
      const int32_t token = slot.tokens[static_cast<size_t>(next)];
      result.prompt_logprobs.push_back({token, simulated_logprob(reading.sum, token), 1, {}});
    }
  }
  if (row.samples) sample(slot, row, reading, result);
  return reading;
}

void SimulatedRunner::sample(Slot& slot, const Row& row, SimulatedKv::Reading reading,
                             RowResult& result) {
  const int position = row.first + row.count;
  KT_CHECK_EQ(position, static_cast<int>(slot.tokens.size()));
  result.sampled = true;
  result.sample.bad_logits = !reading.is_number;
  const SamplingParams& params = slot.request->sampling;
  const int32_t token = reading.is_number
                            ? simulated_token(reading.sum, params.seed, slot.choice, position,
                                              device_.vocab_size)
                            : 0;  // a placeholder: the sequence ends
  result.sample.token = token;
  if (params.logprobs && reading.is_number) {
    result.logprob = {token, simulated_logprob(reading.sum, token), 1, {}};
  }
  slot.tokens.push_back(token);
}

}  // namespace kilotoken
