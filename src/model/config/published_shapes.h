#pragma once
// The shapes of published models, for running one's cost without its weights. Facts from the
// models' own config.json.

#include <string_view>
#include <vector>

#include "model/config/model_config.h"

namespace kilotoken {

// "llama-3-8b", "llama-3.2-1b", ...; kNotFound lists the names.
Result<ModelConfig> published_shape(std::string_view name);

std::vector<std::string_view> published_shape_names();

}  // namespace kilotoken
