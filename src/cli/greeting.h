#pragma once
// What `kilotoken serve` shows when it is ready: what was loaded, where the memory goes, what
// computes, and what to try next.

#include <string>

#include "serve/load/served_model.h"

namespace kilotoken {

std::string greeting(const std::string& url, const std::string& model_name,
                     const ServedModel& model);

}  // namespace kilotoken
