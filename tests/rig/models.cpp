#include "rig/models.h"

#include <cmath>
#include <cstring>

#include "base/rng.h"
#include "model/families/llama.h"

namespace kilotoken::test {

std::unique_ptr<MadeWeights> copy_of(const WeightSource& source) {
  std::vector<TensorShape> tensors;
  for (const std::string& name : source.names()) {
    const Tensor tensor = source.find(name).value();
    tensors.push_back(
        {name, {tensor.sizes.begin(), tensor.sizes.begin() + tensor.rank}, tensor.dtype});
  }
  auto copy = MadeWeights::reserve(tensors, source.where()).value();
  for (const TensorShape& shape : tensors) {
    const Tensor tensor = source.find(shape.name).value();
    std::memcpy(copy->bytes(shape.name).data(), tensor.data, tensor.bytes());
  }
  return copy;
}

TestModel load_test_model(const std::string& name, const std::string& path, const Kernels& kernels,
                          const LoadOptions& options) {
  TestModel out;
  out.name = name;
  out.files = open_model_files(path).value();
  ThreadPool pool(2);
  out.model = build_model(out.files.config, *out.files.weights, kernels, pool, options).value();
  return out;
}

namespace {

// Normal numbers by Box and Muller, scaled by 1 / sqrt(fan_in); norm weights lie around 1.
void fill_randomly(const TensorShape& tensor, uint32_t stream, std::span<std::byte> bytes) {
  const bool is_norm = tensor.sizes.size() == 1;
  const double scale = is_norm ? 0.1 : 1.0 / std::sqrt(static_cast<double>(tensor.sizes.back()));
  const size_t size = size_of(tensor.dtype);
  for (uint64_t i = 0; i < bytes.size() / size; ++i) {
    const double u = 1.0 - uniform_at(7, stream, i, 0), v = uniform_at(7, stream, i, 1);
    const double normal = std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * M_PI * v);
    store(bytes.data() + i * size, tensor.dtype,
          static_cast<float>((is_norm ? 1.0 : 0.0) + scale * normal));
  }
}

TestModel random_model(const char* name, int hidden, int intermediate, int heads, int kv_heads,
                       const Kernels& kernels, const LoadOptions& options) {
  TestModel out;
  out.name = name;
  ModelConfig& config = out.files.config;
  config.architecture = "LlamaForCausalLM";
  config.hidden_size = hidden;
  config.intermediate_size = intermediate;
  config.layers = 2;
  config.heads = heads;
  config.kv_heads = kv_heads;
  config.head_dim = 64;
  config.vocab_size = 512;
  config.max_position_embeddings = 4096;
  config.tie_word_embeddings = true;
  const std::vector<TensorShape> tensors = llama_tensors(config);
  auto made = MadeWeights::reserve(tensors, out.name).value();
  uint32_t stream = 0;
  for (const TensorShape& tensor : tensors) {
    fill_randomly(tensor, stream++, made->bytes(tensor.name));
  }
  out.files.weights = std::move(made);
  ThreadPool pool(2);
  out.model = build_model(config, *out.files.weights, kernels, pool, options).value();
  return out;
}

}  // namespace

TestModel random_wide_model(const Kernels& kernels, const LoadOptions& options) {
  return random_model("random-d1024", 1024, 2816, 16, 4, kernels, options);
}

TestModel random_small_model(const Kernels& kernels, const LoadOptions& options) {
  return random_model("random-d256", 256, 512, 4, 2, kernels, options);
}

}  // namespace kilotoken::test
