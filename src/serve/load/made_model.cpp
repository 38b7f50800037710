#include "serve/load/made_model.h"

#include "model/config/published_shapes.h"
#include "model/families/llama.h"
#include "model/families/llama_inflated.h"
#include "model/weights/made_weights.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;

Result<void> set_layers(ModelConfig& config, std::optional<int> layers) {
  if (!layers) return {};
  if (*layers < 1) {
    return invalid("--num-layers " + std::to_string(*layers) + ": a model has at least 1 layer");
  }
  config.layers = *layers;
  return {};
}

// Roles and contents, a line each: made-up weights were never taught another form.
constexpr const char* kPlainChat =
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}";

}  // namespace

Result<ModelFiles> make_dummy_model(const std::string& shape, std::optional<int> layers,
                                    const std::string& dtype) {
  ModelFiles files;
  if (fs::is_directory(shape)) {
    KT_TRY(files, open_model_folder(shape, /*weights=*/false));
  } else {
    KT_TRY(files.config, published_shape(shape));
    files.path = shape;
  }
  KT_TRY_VOID(set_layers(files.config, layers));
  const auto type = dtype == "auto" ? DType::kBF16 : dtype_named(dtype);
  if (!type) return invalid("--dtype " + dtype + ": choose auto, float32, float16 or bfloat16");
  std::vector<TensorShape> tensors = llama_tensors(files.config);
  for (TensorShape& tensor : tensors) tensor.dtype = *type;
  KT_TRY(files.weights, make_dummy_weights(tensors, "dummy weights of " + shape));
  if (!files.tokenizer) {
    KT_TRY(files.tokenizer, make_synthetic_tokenizer(files.config.vocab_size));
    files.chat_templates.by_name.emplace_back("default", kPlainChat);
  }
  return files;
}

Result<ModelFiles> make_inflated_model(ModelFiles files, const std::string& shape,
                                       std::optional<int> layers) {
  KT_TRY(ModelConfig to, published_shape(shape));
  KT_TRY_VOID(set_layers(to, layers));
  KT_TRY(InflatedModel large, inflate_llama(files.config, std::move(files.weights), to));
  files.config = std::move(large.config);
  files.weights = std::move(large.weights);
  return files;
}

}  // namespace kilotoken
