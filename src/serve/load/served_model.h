#pragma once
// ServedModel: everything loaded for one model, from its path and options: files, kernels, model,
// KV pages, runner and engine thread. The only place where these are put together.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "compute/kernels/kernels.h"
#include "engine/run/engine_thread.h"
#include "engine/run/step_timing.h"
#include "model/config/model_config.h"
#include "model/text/chat_template.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

struct ServeOptions {
  std::string model;                 // "demo", a directory or a .gguf file
  std::string load_format = "auto";  // auto: from its files; dummy or inflated: made in memory
  std::optional<std::string> config_shape;  // of an inflated model
  std::optional<int> num_layers;            // of a made model; none: as its shape says
  std::string dtype = "auto";               // auto, or the type that the weights are stored in
  std::string quantization;  // int8, int4, q8_0 or q4_0: weights so at load; empty: as stored
  std::string activations = "auto";     // of INT4 weights: auto and bfloat16 exact, int8 faster
  std::string kv_cache_dtype = "auto";  // auto | float32 | float16 | bfloat16
  std::optional<int64_t> kv_cache_memory_bytes;
  std::optional<int> max_model_len;
  int max_num_seqs = 64;
  // Of a step; none: as many as itl_target_ms allows.
  std::optional<int> max_num_batched_tokens;
  int itl_target_ms = 100;
  bool prefix_caching = true;
  bool kv_cache = true;                 // false: everything is computed anew for each token
  bool chunked_prefill = true;          // false: a prompt is computed in one piece
  std::string batching = "continuous";  // or static
  int static_batch_wait_ms = 50;
  bool async_scheduling = false;  // plan and publish while the next step is computed
  int max_waiting = 1024;         // sequences that may wait beyond those running
  int threads = 0;                // 0 = usable CPUs
  std::optional<uint64_t> seed;   // of requests that give none; else the operating system's
  // A file, or a Jinja template itself; none: the model's own.
  std::optional<std::string> chat_template;
  std::string isa;  // forces a kernel table
};

// What loading needs from outside.
struct LoadContext {
  const Clock& clock;
  const Log& log;
  StepObserver* observer = nullptr;
  // Bytes of weights read so far, and of all; may be empty.
  std::function<void(int64_t done, int64_t total)> progress;
};

// The KV type of --kv-cache-dtype auto, for weights stored like that.
DType default_kv_dtype(DType weights);

class ServedModel {
 public:
  // Every failure is one line: what, where, what to do.
  static Result<std::unique_ptr<ServedModel>> load(const ServeOptions& options,
                                                   const LoadContext& context);
  ~ServedModel();

  const ModelConfig& config() const;
  const GenerationDefaults& defaults() const;
  const Tokenizer* tokenizer() const;                 // null: prompts as ids only
  const Result<ChatTemplate>& chat_template() const;  // or why there is none
  const SpecialTokens& special_tokens() const;        // for templates that requests bring
  EngineThread& engine();
  const StepTiming& step_timing() const;
  std::string_view kernels_name() const;
  int threads() const;           // of kernels
  int64_t weight_bytes() const;  // as they lie in memory
  int max_model_len() const;
  const KvCache& kv() const;
  bool prefix_caching() const;
  const OrderedJson& configuration() const;  // in force, for who measures it; nothing secret
  uint64_t seed_for_request();               // for a request that gives none; any thread

 private:
  struct Parts;
  explicit ServedModel(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kilotoken
