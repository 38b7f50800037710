#pragma once
// Request: what was asked, immutable. Sequence: how far one of its choices has got. Row and
// StepPlan: what one step computes.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/kv/prefix_cache.h"
#include "engine/sampling/sampling_params.h"

namespace kilotoken {

using RequestId = uint64_t;
using SequenceId = uint64_t;

struct Request {
  RequestId id = 0;
  std::vector<int32_t> prompt;  // at least one token
  SamplingParams sampling;
  std::vector<int32_t> eos_token_ids;
  std::string cache_salt;  // prompts share cached pages only under one salt,
  int shared_tokens = 0;   // but for so many of the first tokens, which are nobody's secret
  int64_t arrival_ns = 0;
  int64_t tokenized_ns = 0;  // when its tokens were known; 0: it came with them
};

// One choice of a request. A step is planned from token counts, so that it can be before the token
// of the step before is known; token values (those known by now) only name pages in the prefix
// cache.
struct Sequence {
  SequenceId id = 0;
  std::shared_ptr<const Request> request;
  int choice = 0;    // 0 .. n-1
  int length = 0;    // tokens that exist or are being sampled: prompt + output
  int computed = 0;  // tokens whose keys and values are in pages, or will be after the step
  std::vector<int32_t> output;  // tokens sampled and known
  std::vector<int32_t> pages;   // block table; covers at least `computed` tokens
  // The first pages again, as the prefix cache knows them: found there, or put there.
  std::vector<PrefixCache::Node*> cached;
  size_t settled = 0;     // so many of them need no further look: they are ready
  bool opened = false;    // the runner has a slot for it
  int cached_tokens = 0;  // of the prompt, found in the cache when it first began to run
  PrefixMiss miss = PrefixMiss::kNone;  // why not more of them
  uint64_t group = 0;                   // of those with its prompt; 0: it is in none
  bool followed = false;                // it has waited for another to compute its prompt
  int preemptions = 0;
  int admitted_length = 0;  // `length` when it last began to run
  int64_t queued_ns = 0;    // when it came to the scheduler
  bool in_batch = false;    // static batching: of the batch that runs
  // Without a KV cache: it has sampled since it was last computed from its first token on, and
  // when.
  bool starts_over = false;
  int64_t sampled_at = 0;  // in steps; 0: not yet

  int remaining() const { return length - computed; }
  // Its last token is known or being sampled: no more of it is computed.
  bool exhausted() const {
    return length - prompt_tokens() >= std::max(1, request->sampling.max_tokens);
  }
  int prompt_tokens() const { return static_cast<int>(request->prompt.size()); }
  int known_tokens() const { return prompt_tokens() + static_cast<int>(output.size()); }
  // Known tokens begin .. begin + count: where they are, or put together in `room`.
  std::span<const int32_t> tokens(int begin, int count, std::vector<int32_t>& room) const;
  // Of the page that ends before token `end`.
  const std::string& salt(int end) const {
    static const std::string none;
    return end <= request->shared_tokens ? none : request->cache_salt;
  }
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
  // Sequences with the same prompt, which sample from the same logits. Their results come after
  // those of all rows, in the order of rows and forks.
  std::vector<SequenceId> forks;
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
  // The first tokens of a page, copied before rows are computed: who writes on needs its own.
  struct Copy {
    int32_t from, to;
    int tokens;
  };
  std::vector<Copy> copies;
  std::vector<Row> rows;
  int preempted = 0;  // sequences that lost their pages while planning this step

  int tokens() const {
    int total = 0;
    for (const Row& row : rows) total += row.count;
    return total;
  }
  bool empty() const { return rows.empty() && opened.empty() && closed.empty() && copies.empty(); }
};

}  // namespace kilotoken
