#include "cli/model_options.h"

#include "cli/scheduling_options.h"

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>

namespace kilotoken {

void add_quantization_options(CLI::App& command, std::string& quantization,
                              std::string& activations, const std::string& group) {
  CLI::Option* format = command.add_option(
      "--quantization", quantization,
      "weights quantised at load: int8 (a scale for each output channel; activations int8 for each "
      "token), int4 (groups of 128), q8_0 or q4_0 (as in GGUF files); default: as stored");
  format->check(CLI::IsMember({"int8", "int4", "q8_0", "q4_0"}));
  CLI::Option* rows = command.add_option(
      "--activations", activations,
      "with int4 weights: bfloat16 (auto) multiplies them exactly, int8 is faster");
  rows->capture_default_str()->check(CLI::IsMember({"auto", "bfloat16", "int8"}));
  if (group.empty()) return;
  format->group(group);
  rows->group(group);
}

void add_model_options(CLI::App& command, ServeOptions& options) {
  const std::string group = "Model and memory";
  command.add_option("model", options.model, "demo (built in), a model directory, or a .gguf file")
      ->required();
  command
      .add_option(
          "--load-format", options.load_format,
          "auto: the model's files; dummy: random weights, MODEL names a published shape "
          "(llama-3-8b, ...) or a directory with config.json; inflated: MODEL at the cost of "
          "--config-shape, saying the same")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "dummy", "inflated"}))
      ->group(group);
  command
      .add_option("--config-shape", options.config_shape,
                  "the published shape that an inflated model takes")
      ->group(group);
  command
      .add_option("--num-layers", options.num_layers,
                  "layers of a dummy or inflated model; default: as many as its shape has")
      ->group(group);
  command
      .add_option("--dtype", options.dtype,
                  "auto, or the type that the weights are stored in (they are never "
                  "converted); of dummy weights, the type to make")
      ->capture_default_str()
      ->group(group);
  add_quantization_options(command, options.quantization, options.activations, group);
  command
      .add_option("--kv-cache-dtype", options.kv_cache_dtype,
                  "auto (bfloat16; float32 for a float32 model), float32, float16 or bfloat16")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--kv-cache-memory-bytes", options.kv_cache_memory_bytes,
                  "size of the KV cache in bytes; default: the least of all sequences at full "
                  "length, half of the free memory, and 4 GiB")
      ->group(group);
  command
      .add_option("--max-model-len", options.max_model_len,
                  "context length in tokens; default: what the model was made for")
      ->group(group);
  command.add_option("--max-num-seqs", options.max_num_seqs, "sequences running at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536))
      ->group(group);
  command
      .add_option("--max-num-batched-tokens", options.max_num_batched_tokens,
                  "tokens computed in one step; longer prompts go in chunks; default: as many as "
                  "--itl-target-ms allows")
      ->check(CLI::Range(1, 1 << 20))
      ->group(group);
  command
      .add_flag("--enable-prefix-caching,!--no-enable-prefix-caching", options.prefix_caching,
                "requests that begin alike share the KV pages of the beginning (on by default)")
      ->default_str("true")
      ->group(group);
  command.add_option("--threads", options.threads, "kernel threads; 0 = all CPUs of this process")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024))
      ->group(group);
  add_scheduling_options(command, options);
  if (const char* isa = std::getenv("KILOTOKEN_ISA")) options.isa = isa;
}

std::function<void(int64_t, int64_t)> loading_progress() {
  if (!isatty(STDERR_FILENO)) return {};
  return [](int64_t done, int64_t total) {
    constexpr int kWidth = 40;
    const double share = static_cast<double>(done) / static_cast<double>(total > 0 ? total : 1);
    const int filled = static_cast<int>(share * kWidth);
    std::string bar(static_cast<size_t>(filled), '#');
    bar.resize(kWidth, '.');
    std::fprintf(stderr, "\rreading weights [%s] %3d %%%s", bar.c_str(),
                 static_cast<int>(share * 100), done >= total ? "\n" : "");
    std::fflush(stderr);
  };
}

}  // namespace kilotoken
