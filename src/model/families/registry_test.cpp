#include <gtest/gtest.h>

#include "model/families/model.h"

namespace kilotoken {
namespace {

class NoWeights final : public WeightSource {
 public:
  std::optional<Tensor> find(std::string_view) const override { return std::nullopt; }
  std::vector<std::string> names() const override { return {}; }
  int64_t file_bytes() const override { return 0; }
};

ErrorCode refusal_of(std::string_view architecture) {
  ModelConfig config;
  config.architecture = architecture;
  config.hidden_size = config.head_dim = config.intermediate_size = config.vocab_size = 8;
  config.layers = config.heads = config.kv_heads = 1;
  ThreadPool pool(1);
  const auto model = build_model(config, NoWeights(), reference_kernels(), pool);
  EXPECT_FALSE(model.ok());
  return model.ok() ? ErrorCode::kInternal : model.error().code;
}

TEST(Registry, HasEveryArchitectureWhoseConfigurationIsRead) {
  for (const std::string_view known : kKnownArchitectures) {
    // It got as far as looking for tensors.
    EXPECT_EQ(refusal_of(known), ErrorCode::kNotFound) << known;
  }
}

TEST(Registry, RefusesOthersByName) {
  EXPECT_EQ(refusal_of("FooForCausalLM"), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace kilotoken
