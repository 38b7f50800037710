#include "engine/run/engine.h"

namespace kilotoken {

// Each step is planned when all that came of the one before is known.
bool Engine::step_sequential() {
  const std::optional<Flight> flight = plan_and_submit();
  if (!flight) return false;
  wait_and_commit(*flight);
  return true;
}

}  // namespace kilotoken
