#include "model/config/published_shapes.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"

namespace kilotoken {
namespace {

TEST(PublishedShapes, AnUnknownNameIsToldTheKnownOnes) {
  const auto shape = published_shape("gpt-5");
  ASSERT_FALSE(shape.ok());
  EXPECT_EQ(shape.error().code, ErrorCode::kNotFound);
  EXPECT_NE(shape.error().message.find("llama-3-8b"), std::string::npos) << shape.error().message;
}

TEST(PublishedShapes, AreThoseOfTheModelsOwnFiles) {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
  const std::pair<const char*, const char*> files[] = {
      {"llama-3.2-1b", "Llama-3.2-1B-shape"}, {"llama-3.2-3b", "Llama-3.2-3B-shape"},
      {"llama-3-8b", "Meta-Llama-3-8B"},      {"llama-3-70b", "Meta-Llama-3-70B"},
      {"mistral-7b", "Mistral-7B-v0.1"},      {"codellama-34b", "CodeLlama-34b-hf"}};
  EXPECT_EQ(published_shape_names().size(), std::size(files));
  for (const auto& [name, file] : files) {
    const std::string path = std::string(data) + "/model_configs/" + file + ".json";
    const Json json = parse_json(read_text_file(path).value(), path).value();
    const ModelConfig theirs = model_config_from_json(json, path).value();
    const ModelConfig ours = published_shape(name).value();
    EXPECT_EQ(ours.architecture, theirs.architecture) << name;
    EXPECT_EQ(ours.hidden_size, theirs.hidden_size) << name;
    EXPECT_EQ(ours.intermediate_size, theirs.intermediate_size) << name;
    EXPECT_EQ(ours.layers, theirs.layers) << name;
    EXPECT_EQ(ours.heads, theirs.heads) << name;
    EXPECT_EQ(ours.kv_heads, theirs.kv_heads) << name;
    EXPECT_EQ(ours.head_dim, theirs.head_dim) << name;
    EXPECT_EQ(ours.vocab_size, theirs.vocab_size) << name;
    EXPECT_EQ(ours.max_position_embeddings, theirs.max_position_embeddings) << name;
    EXPECT_EQ(ours.sliding_window, theirs.sliding_window) << name;
    EXPECT_EQ(ours.rms_norm_eps, theirs.rms_norm_eps) << name;
    EXPECT_EQ(ours.tie_word_embeddings, theirs.tie_word_embeddings) << name;
    EXPECT_EQ(ours.rope.theta, theirs.rope.theta) << name;
    EXPECT_EQ(ours.rope.scaling, theirs.rope.scaling) << name;
    EXPECT_EQ(ours.rope.factor, theirs.rope.factor) << name;
    EXPECT_EQ(ours.rope.low_freq_factor, theirs.rope.low_freq_factor) << name;
    EXPECT_EQ(ours.rope.high_freq_factor, theirs.rope.high_freq_factor) << name;
    EXPECT_EQ(ours.rope.original_max_position_embeddings,
              theirs.rope.original_max_position_embeddings)
        << name;
  }
}

}  // namespace
}  // namespace kilotoken
