#include "rig/models.h"

#include <cmath>
#include <cstring>

#include "base/rng.h"

namespace kilotoken::test {

std::optional<Tensor> MemoryWeights::find(std::string_view name) const {
  const auto at = tensors_.find(name);
  if (at == tensors_.end()) return std::nullopt;
  return Tensor(at->second.bytes.data(), at->second.dtype, at->second.shape);
}

std::vector<std::string> MemoryWeights::names() const {
  std::vector<std::string> names;
  for (const auto& [name, stored] : tensors_) names.push_back(name);
  return names;
}

int64_t MemoryWeights::file_bytes() const {
  int64_t total = 0;
  for (const auto& [name, stored] : tensors_) total += static_cast<int64_t>(stored.bytes.size());
  return total;
}

void MemoryWeights::add(const std::string& name, DType dtype, std::vector<int64_t> shape,
                        std::vector<std::byte> bytes) {
  tensors_[name] = {dtype, std::move(shape), std::move(bytes)};
}

MemoryWeights MemoryWeights::copy_of(const WeightSource& source) {
  MemoryWeights copy;
  for (const std::string& name : source.names()) {
    const auto tensor = source.find(name);
    if (!tensor) continue;
    std::vector<int64_t> shape(tensor->sizes.begin(), tensor->sizes.begin() + tensor->rank);
    copy.add(name, tensor->dtype, std::move(shape), {tensor->data, tensor->data + tensor->bytes()});
  }
  return copy;
}

TestModel load_test_model(const std::string& name, const std::string& path,
                          const Kernels& kernels) {
  TestModel out;
  out.name = name;
  out.files = open_model_files(path).value();
  out.model = build_model(out.files.config, *out.files.weights, kernels).value();
  return out;
}

namespace {

// Normal numbers by Box and Muller, scaled by 1 / sqrt(fan_in); norm weights lie around 1.
std::vector<std::byte> random_bf16(const std::vector<int64_t>& shape, uint32_t stream) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  const bool is_norm = shape.size() == 1;
  const double scale = is_norm ? 0.1 : 1.0 / std::sqrt(static_cast<double>(shape.back()));
  std::vector<std::byte> bytes(static_cast<size_t>(count) * sizeof(BFloat16));
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<uint64_t>(i);
    const double u = 1.0 - uniform_at(7, stream, at, 0), v = uniform_at(7, stream, at, 1);
    const double normal = std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * M_PI * v);
    const auto value = to_bfloat16(static_cast<float>((is_norm ? 1.0 : 0.0) + scale * normal));
    std::memcpy(bytes.data() + at * sizeof value, &value, sizeof value);
  }
  return bytes;
}

}  // namespace

TestModel random_wide_model(const Kernels& kernels) {
  TestModel out;
  out.name = "random-d1024";
  ModelConfig& config = out.files.config;
  config.architecture = "LlamaForCausalLM";
  config.hidden_size = 1024;
  config.intermediate_size = 2816;
  config.layers = 2;
  config.heads = 16;
  config.kv_heads = 4;
  config.head_dim = 64;
  config.vocab_size = 512;
  config.max_position_embeddings = 4096;
  config.tie_word_embeddings = true;
  uint32_t stream = 0;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    auto bytes = random_bf16(shape, stream++);
    out.memory.add(name, DType::kBF16, std::move(shape), std::move(bytes));
  };
  add("model.embed_tokens.weight", {512, 1024});
  add("model.norm.weight", {1024});
  for (int i = 0; i < config.layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    add(layer + "input_layernorm.weight", {1024});
    add(layer + "self_attn.q_proj.weight", {1024, 1024});
    add(layer + "self_attn.k_proj.weight", {256, 1024});
    add(layer + "self_attn.v_proj.weight", {256, 1024});
    add(layer + "self_attn.o_proj.weight", {1024, 1024});
    add(layer + "post_attention_layernorm.weight", {1024});
    add(layer + "mlp.gate_proj.weight", {2816, 1024});
    add(layer + "mlp.up_proj.weight", {2816, 1024});
    add(layer + "mlp.down_proj.weight", {1024, 2816});
  }
  out.model = build_model(config, out.memory, kernels).value();
  return out;
}

}  // namespace kilotoken::test
