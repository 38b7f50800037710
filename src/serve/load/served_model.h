#pragma once
// ServedModel: everything loaded for one model, from its path and options: files, tokenizer, kernels,
// model, KV pages, runner and engine thread. The only place where these are put together.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "compute/kernels/kernels.h"
#include "engine/run/engine_thread.h"
#include "engine/run/local_runner.h"
#include "model/config/model_config.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

struct ServeOptions {
  std::string model;                           // "demo", a directory or a .gguf file
  std::string kv_cache_dtype = "auto";         // auto | float32 | float16 | bfloat16
  std::optional<int64_t> kv_cache_memory_bytes;
  std::optional<int> max_model_len;
  int max_num_seqs = 64;
  int max_num_batched_tokens = 512;
  int max_waiting = 1024;
  int threads = 0;                             // 0 = usable CPUs
  std::optional<uint64_t> seed;                // of requests that give none; else drawn from the OS
  std::string isa;                             // forces a kernel table
};

class ServedModel {
 public:
  // Every failure is one line: what, where, what to do. `log` gets the lines of loading.
  static Result<std::unique_ptr<ServedModel>> load(const ServeOptions& options, const Clock& clock,
                                                   const Log& log, StepObserver* observer);
  ~ServedModel();

  const ModelConfig& config() const;
  const GenerationDefaults& defaults() const;
  const Tokenizer* tokenizer() const;  // null: prompts as ids only
  EngineThread& engine();
  std::string_view kernels_name() const;
  int max_model_len() const;
  int64_t kv_bytes() const;
  int page_count() const;
  uint64_t seed_for_request();  // from --seed and a counter, or the operating system

 private:
  struct Parts;
  explicit ServedModel(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// "demo" as the built-in model's directory: beside the sources, beside the build, or installed.
Result<std::filesystem::path> resolve_model(const std::string& name);

}  // namespace kilotoken
