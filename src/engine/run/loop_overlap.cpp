#include "engine/run/engine.h"

namespace kilotoken {

// While a step is computed, the one before is committed and published, and the next one planned: a
// plan says "continue", and the runner knows with which token. A sequence that turns out to have
// ended has a row too many then, which is computed and dropped.
bool Engine::step_overlap() {
  std::optional<Flight> next = plan_and_submit();
  const bool busy = next || in_flight_;
  if (in_flight_ && !wait_and_commit(*in_flight_) && next) {
    wait_and_fail(*next, "the step before this one failed, and it was begun on what that would be");
    next.reset();
  }
  in_flight_ = std::move(next);
  return busy;
}

}  // namespace kilotoken
