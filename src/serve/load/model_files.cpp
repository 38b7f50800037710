#include "serve/load/model_files.h"

#include "base/files.h"

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

Result<ModelFiles> open_directory(const fs::path& path) {
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
  KT_TRY(files.weights, open_safetensors(path));
  if (fs::exists(path / "tokenizer.json")) {
    KT_TRY(const Json tokenizer, read_json(path / "tokenizer.json"));
    KT_TRY(files.tokenizer, tokenizer_from_json(tokenizer, (path / "tokenizer.json").string()));
  }
  return files;
}

Result<ModelFiles> open_gguf_model(const fs::path& path) {
  ModelFiles files;
  files.path = path;
  KT_TRY(std::unique_ptr<GgufFile> gguf, open_gguf(path));
  KT_TRY(files.config, model_config_from_gguf(*gguf, path.string()));
  KT_TRY(files.defaults, generation_defaults_from_gguf(*gguf));
  if (gguf->metadata().contains("tokenizer.ggml.model")) {
    KT_TRY(files.tokenizer, tokenizer_from_gguf(*gguf, path.string()));
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

Result<ModelFiles> open_model_files(const std::string& name) {
  KT_TRY(const fs::path path, resolve_model(name));
  return fs::is_directory(path) ? open_directory(path) : open_gguf_model(path);
}

}  // namespace kilotoken
