#pragma once
// ModelFiles: what a model's path holds: weights, configuration, generation defaults, tokenizer. An
// HF directory or a GGUF file.

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "model/config/model_config.h"
#include "model/text/tokenizer.h"
#include "model/weights/weight_source.h"

namespace kilotoken {

struct ModelFiles {
  std::filesystem::path path;
  std::unique_ptr<WeightSource> weights;
  ModelConfig config;
  GenerationDefaults defaults;
  std::unique_ptr<Tokenizer> tokenizer;  // null: the folder has none, prompts come as ids
};

// `name`: "demo", a directory or a .gguf file.
Result<ModelFiles> open_model_files(const std::string& name);

// "demo" is the built-in model, looked for beside the executable's build tree and where
// `cmake --install` puts it; anything else is a path.
Result<std::filesystem::path> resolve_model(const std::string& name);

}  // namespace kilotoken
