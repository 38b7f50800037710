#include "model/config/model_config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/files.h"

namespace kilotoken {
namespace {

Json llama() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"hidden_size", 64},
          {"intermediate_size", 172},
          {"num_hidden_layers", 5},
          {"num_attention_heads", 8},
          {"num_key_value_heads", 4},
          {"vocab_size", 512},
          {"max_position_embeddings", 512},
          {"rms_norm_eps", 1e-5}};
}

Json with(const std::string& key, Json value) {
  Json config = llama();
  config[key] = std::move(value);
  return config;
}

Json mistral(const std::string& key, Json value) {
  Json config = with(key, std::move(value));
  config["architectures"] = {"MistralForCausalLM"};
  return config;
}

ModelConfig read(const Json& config) {
  auto result = model_config_from_json(config, "config.json");
  if (!result.ok()) ADD_FAILURE() << result.error().message;
  return result.ok() ? *result : ModelConfig{};
}

Error error_of(const Json& config) {
  auto result = model_config_from_json(config, "config.json");
  if (result.ok()) {
    ADD_FAILURE() << "accepted: " << config.dump();
    return {};
  }
  return result.error();
}

TEST(ModelConfigJson, Llama) {
  const ModelConfig config = read(llama());
  EXPECT_EQ(config.architecture, "LlamaForCausalLM");
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_EQ(config.kv_heads, 4);
  EXPECT_EQ(config.sliding_window, 0);
  EXPECT_FALSE(config.tie_word_embeddings);
  EXPECT_FALSE(config.rope.interleaved);
  EXPECT_EQ(config.rope.theta, 10000.0);
  EXPECT_EQ(read(with("head_dim", 16)).head_dim, 16);
  EXPECT_EQ(read(with("head_dim", nullptr)).head_dim, 8);
  EXPECT_EQ(read(with("num_key_value_heads", nullptr)).kv_heads, 8);
  EXPECT_TRUE(read(with("tie_word_embeddings", true)).tie_word_embeddings);
}

TEST(ModelConfigJson, UnknownArchitectureComesFirst) {
  const Error error = error_of({{"architectures", {"Foo"}}});
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_EQ(error.message,
            "config.json: architecture \"Foo\" is not in this build; it knows LlamaForCausalLM, "
            "MistralForCausalLM, llama");
  EXPECT_EQ(error_of(Json::object()).field, "architectures");
  EXPECT_EQ(error_of({{"architectures", Json::array()}}).field, "architectures");
  EXPECT_FALSE(model_config_from_json(Json(3), "config.json").ok());
}

TEST(ModelConfigJson, SlidingWindow) {
  EXPECT_EQ(read(mistral("sliding_window", 16)).sliding_window, 16);
  EXPECT_EQ(read(mistral("sliding_window", nullptr)).sliding_window, 0);
  EXPECT_EQ(read(mistral("use_cache", true)).sliding_window, 4096);
  EXPECT_EQ(read(mistral("use_sliding_window", false)).sliding_window, 0);
  EXPECT_EQ(read(with("sliding_window", 16)).sliding_window, 0);  // Llama has none
  EXPECT_EQ(error_of(mistral("sliding_window", 0)).field, "sliding_window");
  EXPECT_EQ(error_of(mistral("sliding_window", "wide")).field, "sliding_window");
}

TEST(ModelConfigJson, RopeInBothSpellings) {
  const Json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 64}};
  Json old_style = with("rope_scaling", llama3);
  old_style["rope_theta"] = 500000.0;
  Json new_style = with("rope_parameters", llama3);
  new_style["rope_parameters"]["rope_theta"] = 500000;
  for (const Json& style : {old_style, new_style}) {
    const RopeConfig rope = read(style).rope;
    EXPECT_EQ(rope.theta, 500000.0);
    EXPECT_EQ(rope.scaling, RopeScaling::kLlama3);
    EXPECT_EQ(rope.factor, 8.0);
    EXPECT_EQ(rope.low_freq_factor, 1.0);
    EXPECT_EQ(rope.high_freq_factor, 4.0);
    EXPECT_EQ(rope.original_max_position_embeddings, 64);
  }
  const RopeConfig linear = read(with("rope_scaling", {{"type", "linear"}, {"factor", 4}})).rope;
  EXPECT_EQ(linear.scaling, RopeScaling::kLinear);
  EXPECT_EQ(linear.factor, 4.0);
  const Json plain = {{"rope_type", "default"}, {"rope_theta", 77.0}};
  EXPECT_EQ(read(with("rope_parameters", plain)).rope.theta, 77.0);
  EXPECT_EQ(read(with("rope_parameters", plain)).rope.scaling, RopeScaling::kNone);
  EXPECT_EQ(read(with("rope_scaling", nullptr)).rope.scaling, RopeScaling::kNone);
}

TEST(ModelConfigJson, RopeErrors) {
  for (const char* type : {"yarn", "longrope", "dynamic"}) {
    const Error error = error_of(with("rope_scaling", {{"rope_type", type}, {"factor", 2.0}}));
    EXPECT_EQ(error.code, ErrorCode::kUnsupported);
    EXPECT_NE(error.message.find(type), std::string::npos);
  }
  EXPECT_EQ(error_of(with("rope_scaling", {{"type", "linear"}})).field, "factor");
  EXPECT_EQ(error_of(with("rope_scaling", {{"type", "linear"}, {"factor", 0}})).field, "factor");
  EXPECT_EQ(error_of(with("rope_scaling", {{"type", "llama3"}, {"factor", 8}})).field,
            "low_freq_factor");
  EXPECT_EQ(error_of(with("rope_theta", 0)).field, "rope_theta");
  EXPECT_EQ(error_of(with("rope_scaling", 3)).field, "rope_parameters");
  EXPECT_EQ(error_of(with("rope_parameters", {{"partial_rotary_factor", 0.5}})).field,
            "partial_rotary_factor");
}

TEST(ModelConfigJson, WhatIsNotInThisBuildIsRefusedByName) {
  const std::pair<const char*, Json> cases[] = {
      {"attention_bias", true},
      {"mlp_bias", true},
      {"hidden_act", "gelu"},
      {"partial_rotary_factor", 0.5},
      {"quantization_config", {{"quant_method", "awq"}}},
      {"quantization_config", "?"},
  };
  for (const auto& [key, value] : cases) {
    const Error error = error_of(with(key, value));
    EXPECT_EQ(error.code, ErrorCode::kUnsupported);
    EXPECT_EQ(error.field, key);
  }
  EXPECT_NE(error_of(with("quantization_config", {{"quant_method", "awq"}})).message.find("awq"),
            std::string::npos);
}

TEST(ModelConfigJson, Ranges) {
  const std::pair<const char*, Json> cases[] = {
      {"hidden_size", 0},
      {"hidden_size", -64},
      {"hidden_size", 1LL << 40},
      {"hidden_size", "64"},
      {"hidden_size", 64.5},
      {"hidden_size", nullptr},
      {"intermediate_size", 0},
      {"num_hidden_layers", 2000000000},
      {"num_attention_heads", 0},
      {"num_attention_heads", 7},
      {"num_key_value_heads", 3},
      {"num_key_value_heads", 0},
      {"num_key_value_heads", 16},
      {"head_dim", 7},
      {"head_dim", 0},
      {"vocab_size", 0},
      {"vocab_size", 2000000000},
      {"max_position_embeddings", 0},
      {"rms_norm_eps", 0},
      {"rms_norm_eps", "small"},
      {"tie_word_embeddings", "x"},
  };
  for (const auto& [key, value] : cases) {
    const Error error = error_of(with(key, value));
    EXPECT_EQ(error.code, ErrorCode::kInvalid) << key << " " << value;
    EXPECT_FALSE(error.field.empty()) << key;
  }
  Json missing = llama();
  missing.erase("num_hidden_layers");
  EXPECT_EQ(error_of(missing).message, "config.json: num_hidden_layers is missing");
}

TEST(GenerationDefaultsJson, Fields) {
  const Json generation = {
      {"eos_token_id", {128001, 128009}}, {"temperature", 0.6}, {"top_p", 0.9},      {"top_k", 20},
      {"repetition_penalty", 1.1},        {"min_p", nullptr},   {"do_sample", false}};
  const auto defaults = generation_defaults_from_json(generation, {{"bos_token_id", 1}});
  ASSERT_TRUE(defaults.ok()) << defaults.error().message;
  EXPECT_EQ(defaults->eos_token_ids, (std::vector<int32_t>{128001, 128009}));
  EXPECT_EQ(defaults->bos_token_id, 1);
  EXPECT_EQ(defaults->temperature, 0.6f);
  EXPECT_EQ(defaults->top_p, 0.9f);
  EXPECT_EQ(defaults->top_k, 20);
  EXPECT_EQ(defaults->repetition_penalty, 1.1f);
  EXPECT_EQ(defaults->min_p, std::nullopt);
  EXPECT_FALSE(defaults->do_sample);

  const auto from_config = generation_defaults_from_json(Json(), {{"eos_token_id", 2}});
  ASSERT_TRUE(from_config.ok());
  EXPECT_EQ(from_config->eos_token_ids, std::vector<int32_t>{2});
  EXPECT_TRUE(generation_defaults_from_json(Json(), Json()).ok());
}

TEST(GenerationDefaultsJson, Errors) {
  for (const Json& generation :
       {Json{{"eos_token_id", -1}}, Json{{"eos_token_id", {1, "2"}}}, Json{{"temperature", -1}},
        Json{{"temperature", "hot"}}, Json{{"top_p", 1.5}}, Json{{"top_k", -1}},
        Json{{"eos_token_id", 1LL << 40}}, Json{{"do_sample", 1}}, Json("text")}) {
    EXPECT_FALSE(generation_defaults_from_json(generation, Json()).ok()) << generation;
  }
}

// GGUF metadata without a file.
class FakeGguf final : public GgufFile {
 public:
  explicit FakeGguf(Metadata metadata, std::vector<std::string> tensors = {})
      : metadata_(std::move(metadata)), tensors_(std::move(tensors)) {}
  const Metadata& metadata() const override { return metadata_; }
  std::optional<Tensor> find(std::string_view name) const override {
    for (const std::string& tensor : tensors_) {
      if (tensor == name) return Tensor();
    }
    return std::nullopt;
  }
  std::vector<std::string> names() const override { return tensors_; }
  int64_t file_bytes() const override { return 0; }

 private:
  Metadata metadata_;
  std::vector<std::string> tensors_;
};

GgufFile::Metadata llama_metadata() {
  GgufFile::Metadata metadata;
  metadata["general.architecture"] = GgufValue{std::string("llama")};
  metadata["llama.context_length"] = GgufValue{int64_t{512}};
  metadata["llama.embedding_length"] = GgufValue{int64_t{64}};
  metadata["llama.block_count"] = GgufValue{int64_t{5}};
  metadata["llama.feed_forward_length"] = GgufValue{int64_t{172}};
  metadata["llama.attention.head_count"] = GgufValue{int64_t{8}};
  metadata["llama.attention.head_count_kv"] = GgufValue{int64_t{4}};
  metadata["llama.attention.layer_norm_rms_epsilon"] = GgufValue{1e-6};
  metadata["tokenizer.ggml.tokens"] = GgufValue{GgufArray(512, GgufValue{std::string("t")})};
  return metadata;
}

GgufFile::Metadata gguf_with(const std::string& key, GgufValue value) {
  GgufFile::Metadata metadata = llama_metadata();
  metadata[key] = std::move(value);
  return metadata;
}

TEST(ModelConfigGguf, Llama) {
  const auto config = model_config_from_gguf(FakeGguf(llama_metadata()), "f.gguf");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->head_dim, 8);
  EXPECT_EQ(config->vocab_size, 512);
  EXPECT_EQ(config->rms_norm_eps, 1e-6f);
  EXPECT_TRUE(config->rope.interleaved);
  EXPECT_TRUE(config->tie_word_embeddings);
  EXPECT_FALSE(config->rope_factors_in_weights);
  const FakeGguf more(llama_metadata(), {"output.weight", "rope_freqs.weight"});
  EXPECT_FALSE(model_config_from_gguf(more, "f.gguf")->tie_word_embeddings);
  EXPECT_TRUE(model_config_from_gguf(more, "f.gguf")->rope_factors_in_weights);
}

TEST(ModelConfigGguf, OptionalKeys) {
  GgufFile::Metadata metadata = llama_metadata();
  metadata["llama.rope.scaling.type"] = GgufValue{std::string("linear")};
  metadata["llama.rope.scaling.factor"] = GgufValue{4.0};
  metadata["llama.rope.freq_base"] = GgufValue{1e6};
  metadata["llama.attention.sliding_window"] = GgufValue{int64_t{16}};
  metadata["llama.attention.key_length"] = GgufValue{int64_t{16}};
  metadata["llama.vocab_size"] = GgufValue{int64_t{500}};
  const auto config = model_config_from_gguf(FakeGguf(metadata), "f.gguf");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->rope.scaling, RopeScaling::kLinear);
  EXPECT_EQ(config->rope.factor, 4.0);
  EXPECT_EQ(config->rope.theta, 1e6);
  EXPECT_EQ(config->sliding_window, 16);
  EXPECT_EQ(config->head_dim, 16);
  EXPECT_EQ(config->vocab_size, 500);
}

TEST(ModelConfigGguf, Errors) {
  const auto error_for = [](GgufFile::Metadata metadata) {
    auto config = model_config_from_gguf(FakeGguf(std::move(metadata)), "f.gguf");
    return config.ok() ? std::string() : config.error().message;
  };
  EXPECT_NE(error_for(gguf_with("general.architecture", {std::string("Foo")})).find("\"Foo\""),
            std::string::npos);
  EXPECT_NE(error_for({}).find("general.architecture is missing"), std::string::npos);
  GgufFile::Metadata missing = llama_metadata();
  missing.erase("llama.block_count");
  EXPECT_EQ(error_for(missing), "f.gguf: metadata key llama.block_count is missing");
  EXPECT_NE(error_for(gguf_with("llama.block_count", {std::string("5")})).find("an integer"),
            std::string::npos);
  EXPECT_NE(error_for(gguf_with("llama.block_count", {int64_t{1} << 40})).find("0 to"),
            std::string::npos);
  EXPECT_NE(error_for(gguf_with("llama.rope.scaling.type", {std::string("yarn")})).find("yarn"),
            std::string::npos);
  EXPECT_NE(error_for(gguf_with("llama.rope.dimension_count", {int64_t{4}})).find("4 of 8"),
            std::string::npos);
  EXPECT_NE(error_for(gguf_with("llama.attention.head_count", {int64_t{0}})).find("heads"),
            std::string::npos);
  EXPECT_NE(error_for(gguf_with("llama.expert_count", {int64_t{8}})).find("experts"),
            std::string::npos);
}

TEST(GenerationDefaultsGguf, EveryEndOfAnAnswer) {
  GgufFile::Metadata metadata;
  metadata["tokenizer.ggml.eos_token_id"] = GgufValue{int64_t{2}};
  metadata["tokenizer.ggml.eot_token_id"] = GgufValue{int64_t{7}};
  metadata["tokenizer.ggml.eom_token_id"] = GgufValue{int64_t{7}};
  metadata["tokenizer.ggml.bos_token_id"] = GgufValue{int64_t{1}};
  const auto defaults = generation_defaults_from_gguf(FakeGguf(metadata));
  ASSERT_TRUE(defaults.ok());
  EXPECT_EQ(defaults->eos_token_ids, (std::vector<int32_t>{2, 7}));
  EXPECT_EQ(defaults->bos_token_id, 1);
  metadata["tokenizer.ggml.eos_token_id"] = GgufValue{int64_t{-2}};
  EXPECT_FALSE(generation_defaults_from_gguf(FakeGguf(metadata)).ok());
}

TEST(ModelConfigData, PublishedConfigurations) {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
  const auto config_of = [&](const std::string& path) {
    const auto file = std::filesystem::path(data) / path;
    const auto text = read_text_file(file);
    EXPECT_TRUE(text.ok()) << path;
    return model_config_from_json(*parse_json(*text, path), path);
  };
  for (const char* path :
       {"stories260K/hf/config.json", "arch_oracles/mistral_sw16/config.json",
        "arch_oracles/llama3_rope/config.json", "arch_oracles/llama_rope_linear4/config.json",
        "model_configs/Meta-Llama-3-70B.json", "model_configs/Mistral-7B-v0.1.json",
        "model_configs/CodeLlama-34b-hf.json", "model_configs/Meta-Llama-3-8B.json"}) {
    const auto config = config_of(path);
    EXPECT_TRUE(config.ok()) << config.error().message;
  }
  EXPECT_EQ(config_of("arch_oracles/mistral_sw16/config.json")->sliding_window, 16);
  EXPECT_EQ(config_of("arch_oracles/llama_rope_linear4/config.json")->rope.factor, 4.0);
  for (const char* path :
       {"arch_oracles/mixtral/config.json", "arch_oracles/llama_yarn/config.json",
        "arch_oracles/qwen3/config.json"}) {
    const auto config = config_of(path);
    ASSERT_FALSE(config.ok()) << path;
    EXPECT_EQ(config.error().code, ErrorCode::kUnsupported) << config.error().message;
  }
  const auto gguf =
      open_gguf(std::filesystem::path(data) / "stories260K/gguf/stories260K-f32.gguf");
  ASSERT_TRUE(gguf.ok());
  const auto config = model_config_from_gguf(**gguf, "f.gguf");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->layers, 5);
  EXPECT_FALSE(config->tie_word_embeddings);
}

}  // namespace
}  // namespace kilotoken
