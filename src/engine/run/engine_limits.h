#pragma once
// EngineLimits: what an engine can ever do, whatever else runs.

#include "base/result.h"
#include "engine/scheduler/request.h"

namespace kilotoken {

struct EngineLimits {
  int page_tokens = 64, page_count = 0;

  // kInvalid for a prompt of no tokens, kTooLarge for more tokens than all pages hold.
  Result<void> check(const Request& request) const;
};

}  // namespace kilotoken
