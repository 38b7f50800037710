#pragma once
// The flags that say how steps are put together: each is a switch whose gain is in
// docs/scheduling.md.

#include "serve/load/served_model.h"

namespace CLI {
class App;
}

namespace kilotoken {

void add_scheduling_options(CLI::App& command, ServeOptions& options);

}  // namespace kilotoken
