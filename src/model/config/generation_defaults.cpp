// generation_config.json, and what config.json says of the same things.

#include "model/config/config_fields.h"
#include "model/config/model_config.h"

namespace kilotoken {
namespace {

Result<int32_t> token_id(const Json& value, const ConfigFields& fields, const char* name) {
  // get<int64_t> of a number over 2^63 wraps to a negative one, which is refused as well.
  if (!value.is_number_integer() || value.get<int64_t>() < 0 ||
      value.get<int64_t>() > std::numeric_limits<int32_t>::max()) {
    return fields.wrong_type(name, "a token id or a list of them");
  }
  return value.get<int32_t>();
}

Result<std::vector<int32_t>> token_ids(const ConfigFields& fields, const char* name) {
  std::vector<int32_t> ids;
  const Json* found = fields.find(name);
  if (!found) return ids;
  if (!found->is_array()) {
    KT_TRY(const int32_t id, token_id(*found, fields, name));
    ids.push_back(id);
    return ids;
  }
  for (const Json& value : *found) {
    KT_TRY(const int32_t id, token_id(value, fields, name));
    ids.push_back(id);
  }
  return ids;
}

// A sampling value, within [least, most].
Result<std::optional<float>> value_in(const ConfigFields& fields, const char* name, double least,
                                      double most) {
  KT_TRY(const std::optional<double> value, fields.number(name));
  if (!value) return std::optional<float>{};
  if (!(*value >= least && *value <= most)) {
    return invalid(fields.where() + ": " + name + " is " + std::to_string(*value) +
                       ", it must be " + std::to_string(least) + " to " + std::to_string(most),
                   name);
  }
  return std::optional(static_cast<float>(*value));
}

Result<void> read_tokens(GenerationDefaults& defaults, const ConfigFields& fields) {
  if (defaults.eos_token_ids.empty()) {
    KT_TRY(defaults.eos_token_ids, token_ids(fields, "eos_token_id"));
  }
  if (!defaults.bos_token_id) {
    KT_TRY(const std::vector<int32_t> bos, token_ids(fields, "bos_token_id"));
    if (!bos.empty()) defaults.bos_token_id = bos.front();
  }
  return {};
}

}  // namespace

Result<GenerationDefaults> generation_defaults_from_json(const Json& generation,
                                                         const Json& config) {
  GenerationDefaults defaults;
  for (const auto& [object, where] :
       {std::pair{&generation, "generation_config.json"}, std::pair{&config, "config.json"}}) {
    if (object->is_null()) continue;
    if (!object->is_object()) return invalid(std::string(where) + ": not a JSON object");
    KT_TRY_VOID(read_tokens(defaults, ConfigFields(*object, where)));
  }
  if (generation.is_null()) return defaults;

  const ConfigFields fields(generation, "generation_config.json");
  KT_TRY(defaults.temperature, value_in(fields, "temperature", 0, 100));
  KT_TRY(defaults.top_p, value_in(fields, "top_p", 0, 1));
  KT_TRY(defaults.min_p, value_in(fields, "min_p", 0, 1));
  KT_TRY(defaults.repetition_penalty, value_in(fields, "repetition_penalty", 1e-3, 100));
  KT_TRY(defaults.top_k, fields.integer("top_k"));
  if (defaults.top_k && *defaults.top_k < 0) {
    return invalid("generation_config.json: top_k must be 0 or more", "top_k");
  }
  KT_TRY(const std::optional<bool> do_sample, fields.boolean("do_sample"));
  defaults.do_sample = do_sample.value_or(true);
  return defaults;
}

}  // namespace kilotoken
