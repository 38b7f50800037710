#include "model/config/config_limits.h"

#include <algorithm>
#include <cmath>

#include "model/weights/printable.h"

namespace kilotoken {
namespace {

Error out_of_range(const std::string& where, std::string_view name, int64_t value, int64_t most) {
  return invalid(where + ": " + std::string(name) + " is " + std::to_string(value) +
                     ", it must be 1 to " + std::to_string(most),
                 std::string(name));
}

Result<void> check_rope(const RopeConfig& rope, const std::string& where) {
  if (!std::isfinite(rope.theta) || rope.theta <= 0) {
    return invalid(where + ": rope_theta is " + std::to_string(rope.theta) + ", it must be over 0",
                   "rope_theta");
  }
  if (rope.scaling == RopeScaling::kNone) return {};
  if (!std::isfinite(rope.factor) || rope.factor < 1) {
    return invalid(where + ": the RoPE scaling factor is " + std::to_string(rope.factor) +
                       ", it must be 1 or more",
                   "factor");
  }
  if (rope.scaling != RopeScaling::kLlama3) return {};
  if (!(rope.low_freq_factor > 0) || !(rope.high_freq_factor > rope.low_freq_factor) ||
      !std::isfinite(rope.high_freq_factor)) {
    return invalid(where + ": low_freq_factor " + std::to_string(rope.low_freq_factor) +
                       " and high_freq_factor " + std::to_string(rope.high_freq_factor) +
                       " must be over 0, the second the larger",
                   "high_freq_factor");
  }
  if (rope.original_max_position_embeddings < 1) {
    return invalid(where + ": original_max_position_embeddings must be 1 or more",
                   "original_max_position_embeddings");
  }
  return {};
}

}  // namespace

Result<void> check_architecture(std::string_view architecture, const std::string& where) {
  if (std::ranges::find(kKnownArchitectures, architecture) != kKnownArchitectures.end()) return {};
  std::string known;
  for (std::string_view name : kKnownArchitectures) {
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return Error{ErrorCode::kUnsupported,
               where + ": architecture \"" + printable(architecture) +
                   "\" is not in this build; it knows " + known,
               "architectures"};
}

Result<void> check_config(const ModelConfig& config, const std::string& where) {
  const struct {
    std::string_view name;
    int64_t value, most;
  } sizes[] = {
      {"hidden_size", config.hidden_size, 1 << 20},
      {"intermediate_size", config.intermediate_size, 1 << 24},
      {"num_hidden_layers", config.layers, 1 << 14},
      {"num_attention_heads", config.heads, 1 << 14},
      {"num_key_value_heads", config.kv_heads, 1 << 14},
      {"head_dim", config.head_dim, 1 << 14},
      {"vocab_size", config.vocab_size, 1 << 26},
      {"max_position_embeddings", config.max_position_embeddings, 1 << 30},
  };
  for (const auto& size : sizes) {
    if (size.value < 1 || size.value > size.most) {
      return out_of_range(where, size.name, size.value, size.most);
    }
  }
  if (config.heads % config.kv_heads != 0) {
    return invalid(where + ": num_attention_heads " + std::to_string(config.heads) +
                       " is no multiple of num_key_value_heads " + std::to_string(config.kv_heads),
                   "num_key_value_heads");
  }
  if (config.head_dim % 2 != 0) {
    return invalid(where + ": head_dim " + std::to_string(config.head_dim) +
                       " is odd: rotary positions need pairs",
                   "head_dim");
  }
  if (config.sliding_window < 0) {
    return invalid(where + ": sliding_window must be 1 or more, or null", "sliding_window");
  }
  if (!std::isfinite(config.rms_norm_eps) || config.rms_norm_eps <= 0) {
    return invalid(where + ": rms_norm_eps must be over 0", "rms_norm_eps");
  }
  return check_rope(config.rope, where);
}

}  // namespace kilotoken
