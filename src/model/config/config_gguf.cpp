// The configuration that GGUF keeps in its metadata, under the architecture's name as prefix.

#include <limits>

#include "model/config/config_limits.h"
#include "model/config/model_config.h"
#include "model/weights/gguf_metadata.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

class ArchitectureKeys {
 public:
  ArchitectureKeys(const GgufKeys& keys, std::string prefix, std::string where)
      : keys_(keys), prefix_(std::move(prefix)), where_(std::move(where)) {}

  std::string key(std::string_view name) const { return prefix_ + "." + std::string(name); }
  const std::string& where() const { return where_; }

  Result<std::optional<int>> integer(std::string_view name) const {
    KT_TRY(const std::optional<int64_t> value, keys_.integer(key(name)));
    if (!value) return std::optional<int>{};
    if (*value < 0 || *value > std::numeric_limits<int>::max()) {
      return invalid(where_ + ": " + key(name) + " is " + std::to_string(*value) +
                         ", it must be 0 to 2147483647: the file is damaged",
                     key(name));
    }
    return std::optional(static_cast<int>(*value));
  }
  Result<int> required_integer(std::string_view name) const {
    KT_TRY(const std::optional<int> value, integer(name));
    if (!value) return invalid(where_ + ": metadata key " + key(name) + " is missing", key(name));
    return *value;
  }
  Result<double> number_or(std::string_view name, double otherwise) const {
    KT_TRY(const std::optional<double> value, keys_.number(key(name)));
    return value.value_or(otherwise);
  }
  Result<std::string> string_or(std::string_view name, std::string otherwise) const {
    KT_TRY(const std::optional<std::string> value, keys_.string(key(name)));
    return value.value_or(std::move(otherwise));
  }

 private:
  const GgufKeys& keys_;
  std::string prefix_, where_;
};

Result<RopeConfig> rope_of(const ArchitectureKeys& keys, int head_dim) {
  RopeConfig rope;
  rope.interleaved = true;
  KT_TRY(rope.theta, keys.number_or("rope.freq_base", 10000.0));
  KT_TRY(const std::optional<int> rotated, keys.integer("rope.dimension_count"));
  if (rotated && *rotated != head_dim) {
    return Error{ErrorCode::kUnsupported,
                 keys.where() + ": " + keys.key("rope.dimension_count") + " is " +
                     std::to_string(*rotated) + " of " + std::to_string(head_dim) +
                     ": rotating a part of a head is not in this build yet",
                 keys.key("rope.dimension_count")};
  }
  KT_TRY(const double old_linear, keys.number_or("rope.scale_linear", 1.0));  // before 2023-11
  KT_TRY(const std::string type,
         keys.string_or("rope.scaling.type", old_linear != 1.0 ? "linear" : "none"));
  if (type == "none") return rope;
  if (type != "linear") {
    return Error{ErrorCode::kUnsupported,
                 keys.where() + ": " + keys.key("rope.scaling.type") + " " + printable(type) +
                     " is not in this build yet",
                 keys.key("rope.scaling.type")};
  }
  rope.scaling = RopeScaling::kLinear;
  KT_TRY(rope.factor, keys.number_or("rope.scaling.factor", old_linear));
  return rope;
}

Result<int> vocab_size_of(const ArchitectureKeys& keys, const GgufKeys& all) {
  KT_TRY(const std::optional<int> size, keys.integer("vocab_size"));
  if (size) return *size;
  KT_TRY(const GgufArray* tokens, all.array("tokenizer.ggml.tokens"));
  if (tokens) return static_cast<int>(tokens->size());
  return invalid(keys.where() + ": neither " + keys.key("vocab_size") +
                     " nor tokenizer.ggml.tokens says how large the vocabulary is",
                 keys.key("vocab_size"));
}

Result<int> head_dim_of(const ArchitectureKeys& keys, const ModelConfig& config) {
  KT_TRY(const std::optional<int> key_length, keys.integer("attention.key_length"));
  KT_TRY(const std::optional<int> value_length, keys.integer("attention.value_length"));
  if (value_length && key_length && *value_length != *key_length) {
    return Error{ErrorCode::kUnsupported,
                 keys.where() + ": keys of " + std::to_string(*key_length) + " and values of " +
                     std::to_string(*value_length) + " per head are not in this build yet",
                 keys.key("attention.value_length")};
  }
  if (key_length) return *key_length;
  if (config.heads < 1 || config.hidden_size % config.heads != 0) {
    return invalid(keys.where() + ": " + keys.key("embedding_length") + " " +
                       std::to_string(config.hidden_size) + " is no multiple of the " +
                       std::to_string(config.heads) + " heads",
                   keys.key("attention.head_count"));
  }
  return config.hidden_size / config.heads;
}

Result<void> add_eos(GenerationDefaults& defaults, const GgufKeys& keys, std::string_view key) {
  KT_TRY(const std::optional<int64_t> id, keys.integer(key));
  if (!id) return {};
  if (*id < 0 || *id > std::numeric_limits<int32_t>::max()) {
    return invalid("metadata key " + std::string(key) + " is no token id: " + std::to_string(*id));
  }
  const auto token = static_cast<int32_t>(*id);
  for (const int32_t known : defaults.eos_token_ids) {
    if (known == token) return {};
  }
  defaults.eos_token_ids.push_back(token);
  return {};
}

}  // namespace

Result<ModelConfig> model_config_from_gguf(const GgufFile& file, std::string_view where) {
  const GgufKeys all(file.metadata(), where);
  ModelConfig config;
  KT_TRY(const std::optional<std::string> architecture, all.string("general.architecture"));
  if (!architecture) {
    return invalid(std::string(where) + ": metadata key general.architecture is missing",
                   "general.architecture");
  }
  config.architecture = *architecture;
  KT_TRY_VOID(check_architecture(config.architecture, std::string(where)));

  const ArchitectureKeys keys(all, config.architecture, std::string(where));
  KT_TRY(config.hidden_size, keys.required_integer("embedding_length"));
  KT_TRY(config.intermediate_size, keys.required_integer("feed_forward_length"));
  KT_TRY(config.layers, keys.required_integer("block_count"));
  KT_TRY(config.heads, keys.required_integer("attention.head_count"));
  KT_TRY(const std::optional<int> kv_heads, keys.integer("attention.head_count_kv"));
  config.kv_heads = kv_heads.value_or(config.heads);
  KT_TRY(config.max_position_embeddings, keys.required_integer("context_length"));
  KT_TRY(config.head_dim, head_dim_of(keys, config));
  KT_TRY(config.vocab_size, vocab_size_of(keys, all));
  KT_TRY(const double eps, keys.number_or("attention.layer_norm_rms_epsilon", 1e-5));
  config.rms_norm_eps = static_cast<float>(eps);
  KT_TRY(const std::optional<int> window, keys.integer("attention.sliding_window"));
  config.sliding_window = window.value_or(0);
  KT_TRY(const std::optional<int> experts, keys.integer("expert_count"));
  if (experts.value_or(0) != 0) {
    return Error{ErrorCode::kUnsupported,
                 keys.where() + ": " + std::to_string(*experts) +
                     " experts: mixtures of experts are not in this build yet",
                 keys.key("expert_count")};
  }
  config.tie_word_embeddings = !file.find("output.weight") && !file.unsupported("output.weight");
  config.rope_factors_in_weights =
      file.find("rope_freqs.weight") || file.unsupported("rope_freqs.weight");
  KT_TRY(config.rope, rope_of(keys, config.head_dim));
  KT_TRY_VOID(check_config(config, keys.where()));
  return config;
}

Result<GenerationDefaults> generation_defaults_from_gguf(const GgufFile& file) {
  const GgufKeys keys(file.metadata(), file.where());
  GenerationDefaults defaults;
  // End of text, end of a turn, end of a message: each ends an answer.
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                          "tokenizer.ggml.eom_token_id"}) {
    KT_TRY_VOID(add_eos(defaults, keys, key));
  }
  KT_TRY(const std::optional<int64_t> bos, keys.integer("tokenizer.ggml.bos_token_id"));
  if (bos && *bos >= 0 && *bos <= std::numeric_limits<int32_t>::max()) {
    defaults.bos_token_id = static_cast<int32_t>(*bos);
  }
  return defaults;
}

}  // namespace kilotoken
