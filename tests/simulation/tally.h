#pragma once
// What many simulated runs have seen, counted.

#include <array>
#include <cstddef>
#include <cstdint>

namespace kilotoken::simulation {

enum Count : uint8_t {
  kRuns,
  kOverlapRuns,
  kStaticRuns,
  kOnePieceRuns,
  kNoCacheRuns,
  kSteps,
  kRows,
  kChecks,
  kIntegrityChecks,
  kOutputs,
  kReplays,
  kPredictedSteps,
  kFoundTokens,
  kForks,
  kEvictedPages,
  kWastedRows,
  kLeft,
  kCutOff,
  kPreempted,
  kFailedSteps,
  kFailedChoices,
  kHangs,
  kNanRows,
  kNanChoices,
  kCounts
};

inline constexpr std::array<const char*, kCounts> kCountNames = {
    "runs",
    "  with the overlap loop",
    "  with static batches",
    "  with prompts in one piece",
    "  without a KV cache",
    "steps",
    "rows",
    "invariants checked",
    "full integrity checks",
    "outputs compared to the last token",
    "runs repeated with the same trace",
    "steps whose time was predicted, in runs long enough to learn from",
    "prompt tokens found in the prefix cache",
    "choices that sampled from another's row",
    "cached pages evicted",
    "rows computed in vain, begun before an end was known",
    "fault: clients that left",
    "fault: slow clients cut off",
    "fault: sequences that lost their pages to others",
    "fault: steps that failed",
    "  choices that ended by them",
    "fault: steps that hung",
    "fault: rows of NaN",
    "  choices that ended by them"};

using Tally = std::array<int64_t, kCounts>;

}  // namespace kilotoken::simulation
