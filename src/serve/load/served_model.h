#pragma once
// ServedModel: everything loaded for one model, from its path and options: files, kernels, model,
// KV pages, runner and engine thread. The only place where these are put together.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "compute/kernels/kernels.h"
#include "engine/run/engine_thread.h"
#include "model/config/model_config.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

struct ServeOptions {
  std::string model;                    // "demo", a directory or a .gguf file
  std::string dtype = "auto";           // auto, or the type that the weights are stored in
  std::string kv_cache_dtype = "auto";  // auto | float32 | float16 | bfloat16
  std::optional<int64_t> kv_cache_memory_bytes;
  std::optional<int> max_model_len;
  int max_num_seqs = 64;
  int max_num_batched_tokens = 512;
  int max_waiting = 1024;        // sequences that may wait beyond those running
  int threads = 0;               // 0 = usable CPUs
  std::optional<uint64_t> seed;  // of requests that give none; else the operating system's
  std::string isa;               // forces a kernel table
};

// What loading needs from outside.
struct LoadContext {
  const Clock& clock;
  const Log& log;
  StepObserver* observer = nullptr;
  // Bytes of weights read so far, and of all; may be empty.
  std::function<void(int64_t done, int64_t total)> progress;
};

class ServedModel {
 public:
  // Every failure is one line: what, where, what to do.
  static Result<std::unique_ptr<ServedModel>> load(const ServeOptions& options,
                                                   const LoadContext& context);
  ~ServedModel();

  const ModelConfig& config() const;
  const GenerationDefaults& defaults() const;
  const Tokenizer* tokenizer() const;  // null: prompts as ids only
  EngineThread& engine();
  std::string_view kernels_name() const;
  int max_model_len() const;
  const KvCache& kv() const;
  uint64_t seed_for_request();  // for a request that gives none; any thread

 private:
  struct Parts;
  explicit ServedModel(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kilotoken
