#include "model/config/published_shapes.h"

#include "model/weights/printable.h"

namespace kilotoken {
namespace {

struct Shape {
  std::string_view name;
  std::string_view architecture;
  int hidden, intermediate, layers, heads, kv_heads, head_dim, vocabulary, positions, window;
  bool tied;
  double rope_theta;
  double rope_factor;  // llama3 scaling with low 1, high 4, original 8192; 1 = none
};

constexpr std::string_view kLlama = "LlamaForCausalLM", kMistral = "MistralForCausalLM";

constexpr Shape kShapes[] = {
    {"llama-3.2-1b", kLlama, 2048, 8192, 16, 32, 8, 64, 128256, 131072, 0, true, 5e5, 32},
    {"llama-3.2-3b", kLlama, 3072, 8192, 28, 24, 8, 128, 128256, 131072, 0, true, 5e5, 32},
    {"llama-3-8b", kLlama, 4096, 14336, 32, 32, 8, 128, 128256, 8192, 0, false, 5e5, 1},
    {"llama-3-70b", kLlama, 8192, 28672, 80, 64, 8, 128, 128256, 8192, 0, false, 5e5, 1},
    {"mistral-7b", kMistral, 4096, 14336, 32, 32, 8, 128, 32000, 32768, 4096, false, 1e4, 1},
    {"codellama-34b", kLlama, 8192, 22016, 48, 64, 8, 128, 32000, 16384, 0, false, 1e6, 1},
};

ModelConfig config_of(const Shape& shape) {
  ModelConfig config;
  config.architecture = shape.architecture;
  config.hidden_size = shape.hidden;
  config.intermediate_size = shape.intermediate;
  config.layers = shape.layers;
  config.heads = shape.heads;
  config.kv_heads = shape.kv_heads;
  config.head_dim = shape.head_dim;
  config.vocab_size = shape.vocabulary;
  config.max_position_embeddings = shape.positions;
  config.sliding_window = shape.window;
  config.tie_word_embeddings = shape.tied;
  config.rope.theta = shape.rope_theta;
  if (shape.rope_factor != 1) {
    config.rope.scaling = RopeScaling::kLlama3;
    config.rope.factor = shape.rope_factor;
  }
  return config;
}

}  // namespace

Result<ModelConfig> published_shape(std::string_view name) {
  std::string known;
  for (const Shape& shape : kShapes) {
    if (shape.name == name) return config_of(shape);
    known += (known.empty() ? "" : ", ") + std::string(shape.name);
  }
  return Error{
      ErrorCode::kNotFound, "no shape is named " + printable(name) + "; known are " + known, {}};
}

std::vector<std::string_view> published_shape_names() {
  std::vector<std::string_view> names;
  for (const Shape& shape : kShapes) names.push_back(shape.name);
  return names;
}

}  // namespace kilotoken
