#pragma once
// ModelConfig: the shape of a model, read from an HF config.json or from GGUF metadata, checked
// once.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/weights/gguf.h"

namespace kilotoken {

// The architectures that model/families builds, as HF and GGUF name them: a new one is a line here
// and in the registry there. Here, so that an unknown one is told before anything else of its file.
inline constexpr std::array<std::string_view, 3> kKnownArchitectures = {
    "LlamaForCausalLM", "MistralForCausalLM", "llama"};

enum class RopeScaling { kNone, kLinear, kLlama3 };

struct RopeConfig {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  // llama3 only (Meta's reference: long wavelengths divided by factor, short ones kept)
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  int original_max_position_embeddings = 8192;
  bool interleaved = false;  // see RopeArgs; GGUF stores Q/K rows so
};

struct ModelConfig {
  std::string architecture;  // HF: architectures[0]; GGUF: general.architecture
  int hidden_size = 0;
  int intermediate_size = 0;
  int layers = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int vocab_size = 0;
  int max_position_embeddings = 0;
  int sliding_window = 0;  // 0 = none
  float rms_norm_eps = 1e-5f;
  bool tie_word_embeddings = false;
  RopeConfig rope;
  // GGUF only: llama3 scaling arrives as a tensor of divisors, rope_freqs.weight [head_dim / 2].
  bool rope_factors_in_weights = false;
};

// What the model's own files say about generating; all may be absent.
struct GenerationDefaults {
  std::vector<int32_t> eos_token_ids;
  std::optional<int32_t> bos_token_id;
  std::optional<float> temperature, top_p, min_p, repetition_penalty;
  std::optional<int> top_k;
  bool do_sample = true;  // false: greedy unless the request says otherwise
};

// Both refuse, by name (kUnsupported): an unknown architecture, and what of a known one is not in
// this build (RoPE scalings, biases, activations, quantised checkpoints).
Result<ModelConfig> model_config_from_json(const Json& config, std::string_view where);
Result<ModelConfig> model_config_from_gguf(const GgufFile& file, std::string_view where);

// generation_config.json, then what config.json says of bos and eos. Either may be null.
Result<GenerationDefaults> generation_defaults_from_json(const Json& generation,
                                                         const Json& config);
Result<GenerationDefaults> generation_defaults_from_gguf(const GgufFile& file);

}  // namespace kilotoken
