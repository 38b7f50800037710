#pragma once
// Request: what was asked, immutable. Sequence: how far one of its choices has got. Row and
// StepPlan: what one step computes.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/sampling/sampling_params.h"

namespace kilotoken {

using RequestId = uint64_t;
using SequenceId = uint64_t;

struct Request {
  RequestId id = 0;
  std::vector<int32_t> prompt;  // at least one token
  SamplingParams sampling;
  std::vector<int32_t> eos_token_ids;
  int64_t arrival_ns = 0;
};

// One choice of a request. Token counts, not token values: those live in the runner's slot, so that
// a step can be planned before the token of the step before is known.
struct Sequence {
  SequenceId id = 0;
  std::shared_ptr<const Request> request;
  int choice = 0;    // 0 .. n-1
  int length = 0;    // tokens that exist or are being sampled: prompt + output
  int computed = 0;  // tokens whose keys and values are in pages, or will be after the step
  std::vector<int32_t> pages;  // block table; covers at least `computed` tokens
  bool opened = false;         // the runner has a slot for it
  int preemptions = 0;
  int admitted_length = 0;  // `length` when it last began to run

  int remaining() const { return length - computed; }
  int prompt_tokens() const { return static_cast<int>(request->prompt.size()); }
};

enum class LogitsWanted : uint8_t { kNone, kLast, kAll };

// "Sequence s: compute n more tokens." Decode is count 1, a prompt or a chunk of it count n.
struct Row {
  SequenceId sequence = 0;
  int first = 0;  // position of the first token computed
  int count = 0;
  LogitsWanted wants_logits = LogitsWanted::kNone;
  bool samples = false;        // the last logits give the sequence's next token
  std::vector<int32_t> pages;  // block table at this step
};

struct StepPlan {
  // Sequences the runner sees for the first time, and those it may forget (after this step).
  struct Open {
    SequenceId sequence;
    std::shared_ptr<const Request> request;
    int choice;
  };
  std::vector<Open> opened;
  std::vector<SequenceId> closed;
  std::vector<Row> rows;
  int preempted = 0;  // sequences that lost their pages while planning this step

  int tokens() const {
    int total = 0;
    for (const Row& row : rows) total += row.count;
    return total;
  }
  bool empty() const { return rows.empty() && opened.empty() && closed.empty(); }
};

}  // namespace kilotoken
