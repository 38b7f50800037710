#pragma once
// ModelFiles: what a model's path holds: weights, configuration, generation defaults, tokenizer. An
// HF directory or a GGUF file.

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "model/config/model_config.h"
#include "model/text/template_source.h"
#include "model/text/tokenizer.h"
#include "model/weights/weight_source.h"

namespace kilotoken {

struct ModelFiles {
  std::filesystem::path path;
  std::unique_ptr<WeightSource> weights;
  ModelConfig config;
  GenerationDefaults defaults;
  std::unique_ptr<Tokenizer> tokenizer;  // null: the folder has none, prompts come as ids
  TemplateSources chat_templates;        // empty: there is none
  SpecialTokens special_tokens;          // for templates
};

// `name`: "demo", a directory or a .gguf file.
Result<ModelFiles> open_model_files(const std::string& name);

// A directory alone; without `weights` what they are made for is read, and they are not.
Result<ModelFiles> open_model_folder(const std::filesystem::path& path, bool weights);

// An error when the tokenizer has tokens that the model does not.
Result<void> check_tokenizer_fits(const ModelFiles& files);

// "demo" is the built-in model, looked for beside the executable's build tree and where
// `cmake --install` puts it; anything else is a path.
Result<std::filesystem::path> resolve_model(const std::string& name);

}  // namespace kilotoken
