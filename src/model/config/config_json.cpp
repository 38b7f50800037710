// config.json, as HF transformers writes it (versions 4 and 5).

#include "model/config/config_fields.h"
#include "model/config/config_limits.h"
#include "model/config/model_config.h"

namespace kilotoken {
namespace {

Result<std::string> architecture_of(const ConfigFields& fields) {
  const Json* names = fields.find("architectures");
  if (!names || !names->is_array() || names->empty() || !(*names)[0].is_string()) {
    return invalid(fields.where() + ": no architectures[0]: not the config.json of a model",
                   "architectures");
  }
  return (*names)[0].get<std::string>();
}

Result<RopeScaling> scaling_named(const ConfigFields& rope) {
  KT_TRY(std::optional<std::string> type, rope.string("rope_type"));
  if (!type) {
    KT_TRY(type, rope.string("type"));  // until transformers 4.43
  }
  if (!type || *type == "default") return RopeScaling::kNone;
  if (*type == "linear") return RopeScaling::kLinear;
  if (*type == "llama3") return RopeScaling::kLlama3;
  return rope.unsupported("rope_type", *type);
}

// Transformers 5 has rope_parameters with everything, 4 has rope_theta beside rope_scaling.
Result<RopeConfig> rope_of(const ConfigFields& fields) {
  RopeConfig rope;
  KT_TRY(const std::optional<double> theta, fields.number("rope_theta"));
  if (theta) rope.theta = *theta;
  const Json* parameters = fields.find("rope_parameters");
  if (!parameters) parameters = fields.find("rope_scaling");
  if (!parameters) return rope;
  if (!parameters->is_object()) return fields.wrong_type("rope_parameters", "an object");

  const ConfigFields in(*parameters, fields.where() + ": rope_parameters");
  KT_TRY(const std::optional<double> inner_theta, in.number("rope_theta"));
  if (inner_theta) rope.theta = *inner_theta;
  KT_TRY(const std::optional<double> partial, in.number("partial_rotary_factor"));
  if (partial.value_or(1.0) != 1.0) {
    return in.unsupported("partial_rotary_factor", std::to_string(*partial));
  }
  KT_TRY(rope.scaling, scaling_named(in));
  if (rope.scaling == RopeScaling::kNone) return rope;
  KT_TRY(rope.factor, in.required_number("factor"));
  if (rope.scaling == RopeScaling::kLlama3) {
    KT_TRY(rope.low_freq_factor, in.required_number("low_freq_factor"));
    KT_TRY(rope.high_freq_factor, in.required_number("high_freq_factor"));
    KT_TRY(rope.original_max_position_embeddings,
           in.required_integer("original_max_position_embeddings"));
  }
  return rope;
}

// What the Llama family may have, and this build does not compute.
Result<void> refuse_unsupported(const ConfigFields& fields) {
  if (const Json* quantization = fields.find("quantization_config")) {
    const auto method = quantization->find("quant_method");
    const bool named = method != quantization->end() && method->is_string();
    return fields.unsupported("quantization_config", named ? method->get<std::string>() : "");
  }
  for (const char* name : {"attention_bias", "mlp_bias"}) {
    KT_TRY(const std::optional<bool> bias, fields.boolean(name));
    if (bias.value_or(false)) return fields.unsupported(name, "true");
  }
  KT_TRY(const std::optional<std::string> activation, fields.string("hidden_act"));
  if (activation.value_or("silu") != "silu") return fields.unsupported("hidden_act", *activation);
  KT_TRY(const std::optional<double> partial, fields.number("partial_rotary_factor"));
  if (partial.value_or(1.0) != 1.0) {
    return fields.unsupported("partial_rotary_factor", std::to_string(*partial));
  }
  return {};
}

// Only Mistral looks at sliding_window; where the key is absent, transformers takes 4096.
Result<int> window_of(const ConfigFields& fields, const Json& object, bool mistral) {
  if (!mistral) return 0;
  KT_TRY(const std::optional<bool> use, fields.boolean("use_sliding_window"));
  if (!use.value_or(true)) return 0;
  if (!object.contains("sliding_window")) return 4096;
  KT_TRY(const std::optional<int> window, fields.integer("sliding_window"));
  if (window && *window < 1) {
    return invalid(fields.where() + ": sliding_window must be 1 or more, or null",
                   "sliding_window");
  }
  return window.value_or(0);
}

}  // namespace

Result<ModelConfig> model_config_from_json(const Json& object, std::string_view where) {
  if (!object.is_object()) return invalid(std::string(where) + ": not a JSON object");
  const ConfigFields fields(object, where);
  ModelConfig config;
  KT_TRY(config.architecture, architecture_of(fields));
  KT_TRY_VOID(check_architecture(config.architecture, fields.where()));
  KT_TRY_VOID(refuse_unsupported(fields));

  KT_TRY(config.hidden_size, fields.required_integer("hidden_size"));
  KT_TRY(config.intermediate_size, fields.required_integer("intermediate_size"));
  KT_TRY(config.layers, fields.required_integer("num_hidden_layers"));
  KT_TRY(config.heads, fields.required_integer("num_attention_heads"));
  KT_TRY(config.vocab_size, fields.required_integer("vocab_size"));
  KT_TRY(config.max_position_embeddings, fields.required_integer("max_position_embeddings"));
  const bool mistral = config.architecture == "MistralForCausalLM";
  KT_TRY(const std::optional<int> kv_heads, fields.integer("num_key_value_heads"));
  config.kv_heads = kv_heads.value_or(mistral ? 8 : config.heads);  // transformers' defaults
  KT_TRY(const std::optional<int> head_dim, fields.integer("head_dim"));
  if (head_dim) {
    config.head_dim = *head_dim;
  } else if (config.heads > 0 && config.hidden_size % config.heads == 0) {
    config.head_dim = config.hidden_size / config.heads;
  } else {
    return invalid(fields.where() + ": hidden_size " + std::to_string(config.hidden_size) +
                       " is no multiple of num_attention_heads " + std::to_string(config.heads) +
                       ", and head_dim is missing",
                   "head_dim");
  }
  KT_TRY(const std::optional<double> eps, fields.number("rms_norm_eps"));
  config.rms_norm_eps = static_cast<float>(eps.value_or(1e-6));
  KT_TRY(const std::optional<bool> tied, fields.boolean("tie_word_embeddings"));
  config.tie_word_embeddings = tied.value_or(false);
  KT_TRY(config.sliding_window, window_of(fields, object, mistral));
  KT_TRY(config.rope, rope_of(fields));
  KT_TRY_VOID(check_config(config, fields.where()));
  return config;
}

}  // namespace kilotoken
