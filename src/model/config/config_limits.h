#pragma once
// What every configuration must satisfy, whichever file it came from.

#include <string>

#include "model/config/model_config.h"

namespace kilotoken {

// kUnsupported, naming those known, unless the architecture is one of kKnownArchitectures.
Result<void> check_architecture(std::string_view architecture, const std::string& where);

// Sizes positive and small enough that their products fit in 64 bits; heads that divide; RoPE sane.
Result<void> check_config(const ModelConfig& config, const std::string& where);

}  // namespace kilotoken
