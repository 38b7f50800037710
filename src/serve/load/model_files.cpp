#include "serve/load/model_files.h"

#include <cstdio>

#include "base/files.h"
#include "serve/load/tokenizer_files.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;

Result<Json> read_json(const fs::path& path) {
  KT_TRY(const std::string text, read_text_file(path));
  return parse_json(text, path.string());
}

// Null where the file does not exist.
Result<Json> read_optional_json(const fs::path& path) {
  if (!fs::exists(path)) return Json();
  return read_json(path);
}

// chat_template.jinja, where newer checkpoints keep it, comes before tokenizer_config.json.
Result<void> read_chat_templates(const fs::path& path, const Json& config, ModelFiles& files) {
  const fs::path config_file = path / "tokenizer_config.json";
  const fs::path template_file = path / "chat_template.jinja";
  KT_TRY(const Json map, read_optional_json(path / "special_tokens_map.json"));
  KT_TRY(files.special_tokens, special_tokens_from_config(config, map, config_file.string()));
  if (fs::exists(template_file)) {
    KT_TRY(std::string source, read_text_file(template_file));
    files.chat_templates.by_name.emplace_back("default", std::move(source));
  } else if (!config.is_null()) {
    KT_TRY(files.chat_templates, templates_from_config(config, config_file.string()));
  }
  return {};
}

}  // namespace

Result<ModelFiles> open_model_folder(const fs::path& path, bool weights) {
  ModelFiles files;
  files.path = path;
  if (!fs::exists(path / "config.json")) {
    return Error{ErrorCode::kNotFound,
                 path.string() +
                     ": no config.json: not a model directory (a GGUF model is named by "
                     "its .gguf file)",
                 {}};
  }
  KT_TRY(const Json config, read_json(path / "config.json"));
  KT_TRY(files.config, model_config_from_json(config, (path / "config.json").string()));
  KT_TRY(const Json generation, read_optional_json(path / "generation_config.json"));
  KT_TRY(files.defaults, generation_defaults_from_json(generation, config));
  if (weights) {
    KT_TRY(files.weights, open_safetensors(path));
  }
  KT_TRY(const Json tokenizer_config, read_optional_json(path / "tokenizer_config.json"));
  KT_TRY(files.tokenizer, open_tokenizer(path, tokenizer_config));
  if (files.tokenizer) KT_TRY_VOID(read_chat_templates(path, tokenizer_config, files));
  return files;
}

namespace {

Result<ModelFiles> open_gguf_model(const fs::path& path) {
  ModelFiles files;
  files.path = path;
  KT_TRY(std::unique_ptr<GgufFile> gguf, open_gguf(path));
  KT_TRY(files.config, model_config_from_gguf(*gguf, path.string()));
  KT_TRY(files.defaults, generation_defaults_from_gguf(*gguf));
  if (gguf->metadata().contains("tokenizer.ggml.model")) {
    KT_TRY(files.tokenizer, tokenizer_from_gguf(*gguf, path.string()));
    KT_TRY(files.chat_templates, templates_from_gguf(gguf->metadata(), path.string()));
    KT_TRY(files.special_tokens, special_tokens_from_gguf(gguf->metadata(), path.string()));
  }
  files.weights = std::move(gguf);
  return files;
}

}  // namespace

Result<fs::path> resolve_model(const std::string& name) {
  if (name != "demo") {
    if (fs::exists(name)) return fs::path(name);
    return Error{ErrorCode::kNotFound,
                 "model \"" + name +
                     "\": no such file or directory (name a model directory, a "
                     ".gguf file, or demo for the built-in model)",
                 {}};
  }
  const fs::path program = executable_path().parent_path();
  const fs::path installed = program.parent_path() / "share/kilotoken/models/demo";
  if (fs::exists(installed / "config.json")) return installed;
  // Built in a folder of the source tree, the program or a test of it: the tree is one of its
  // parents.
  for (fs::path at = program; at != at.root_path(); at = at.parent_path()) {
    if (fs::exists(at / "models/demo/config.json")) return at / "models/demo";
  }
  return Error{ErrorCode::kNotFound,
               "the built-in model is neither in " + installed.string() +
                   " nor in a source tree above " + program.string() +
                   ": start the program from its source tree, or `cmake --install` it",
               {}};
}

Result<void> check_tokenizer_fits(const ModelFiles& files) {
  if (files.tokenizer && files.tokenizer->vocab_size() > files.config.vocab_size) {
    return invalid(files.path.string() + ": the tokenizer has " +
                   std::to_string(files.tokenizer->vocab_size()) + " tokens, the model only " +
                   std::to_string(files.config.vocab_size) + ": they are not of one model");
  }
  return {};
}

Result<ModelFiles> open_model_files(const std::string& name) {
  KT_TRY(const fs::path path, resolve_model(name));
  const bool folder = fs::is_directory(path);
  return folder ? open_model_folder(path, /*weights=*/true) : open_gguf_model(path);
}

}  // namespace kilotoken
