#pragma once
// Models whose weights are made in memory: a dummy of a published shape, or a small trained model
// inflated to one.

#include <optional>
#include <string>

#include "serve/load/model_files.h"

namespace kilotoken {

// `shape`: a published shape's name ("llama-3-8b"), or a directory with config.json, whose
// tokenizer is used if it has one. `dtype`: "auto" is bfloat16.
Result<ModelFiles> make_dummy_model(const std::string& shape, std::optional<int> layers,
                                    const std::string& dtype);

// The model in `files` at the cost of the published shape.
Result<ModelFiles> make_inflated_model(ModelFiles files, const std::string& shape,
                                       std::optional<int> layers);

}  // namespace kilotoken
