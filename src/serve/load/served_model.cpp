#include "serve/load/served_model.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "base/files.h"
#include "base/rng.h"
#include "engine/run/local_runner.h"
#include "serve/load/model_files.h"

namespace kilotoken {
namespace {

constexpr int64_t kDefaultKvBytes = int64_t{4} << 30;

std::string megabytes(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

Result<DType> pick_kv_dtype(const ServeOptions& options, DType weights) {
  if (options.kv_cache_dtype == "auto") {
    return weights == DType::kF32 ? DType::kF32 : DType::kBF16;
  }
  if (const auto dtype = dtype_named(options.kv_cache_dtype)) return *dtype;
  return invalid("--kv-cache-dtype " + options.kv_cache_dtype +
                 ": choose auto, float32, float16 or bfloat16");
}

Result<int> pick_max_model_len(const ServeOptions& options, const ModelConfig& config) {
  const int limit = config.max_position_embeddings;
  const int length = options.max_model_len.value_or(limit);
  if (length < 1 || length > limit) {
    return invalid("--max-model-len " + std::to_string(length) + ": the model takes 1 to " +
                   std::to_string(limit) + " tokens");
  }
  return length;
}

// How many KV pages: what was asked for, or else the least of: every sequence at full length, half
// of the free memory, 4 GiB.
Result<int> pick_page_count(const ServeOptions& options, const KvSpec& spec, int max_model_len,
                            const Log& log) {
  const auto page_bytes = static_cast<int64_t>(spec.page_bytes());
  const int64_t pages_per_sequence = (max_model_len + kPageTokens - 1) / kPageTokens;
  const int64_t available = available_memory_bytes();
  const int64_t all = pages_per_sequence * options.max_num_seqs * page_bytes;
  const int64_t bytes =
      options.kv_cache_memory_bytes.value_or(std::min({all, available / 2, kDefaultKvBytes}));
  const int64_t pages = bytes / page_bytes;
  const std::string one = megabytes(pages_per_sequence * page_bytes) + " for one sequence of " +
                          std::to_string(max_model_len) + " tokens";
  if (pages < pages_per_sequence) {
    return Error{ErrorCode::kTooLarge,
                 "the KV cache of " + megabytes(bytes) + " is too small: it needs " + one +
                     "; raise --kv-cache-memory-bytes or lower --max-model-len to " +
                     std::to_string(std::max<int64_t>(0, pages * kPageTokens)),
                 {}};
  }
  if (bytes > available) {
    return Error{ErrorCode::kTooLarge,
                 "the KV cache of " + megabytes(bytes) + " does not fit into the " +
                     megabytes(available) + " of memory left; lower --kv-cache-memory-bytes",
                 {}};
  }
  constexpr int64_t kMaxPages = 1 << 30;
  const int64_t count = std::min(pages, kMaxPages);
  log.info("KV cache: " + std::string(name_of(spec.dtype)) + ", " + std::to_string(count) +
           " pages of 64 tokens, " + megabytes(count * page_bytes) + " (" +
           (options.kv_cache_memory_bytes
                ? "as --kv-cache-memory-bytes says"
                : "the least of: " + std::to_string(options.max_num_seqs) +
                      " sequences at full length " + megabytes(all) + ", half of free memory " +
                      megabytes(available / 2) + ", 4 GiB") +
           "); " + one);
  return static_cast<int>(count);
}

Result<void> check_fits(const ModelFiles& files) {
  const int64_t available = available_memory_bytes(), needed = files.weights->file_bytes();
  if (needed <= available) return {};
  return Error{ErrorCode::kTooLarge,
               files.path.string() + ": the weights take " + megabytes(needed) + ", only " +
                   megabytes(available) +
                   " of memory are free (the container's limit counts): free some, or use a "
                   "smaller model",
               {}};
}

// Reads every page of the weights once, so that the first request does not wait for the disk.
void read_weights(const WeightSource& weights, const LoadContext& context) {
  const int64_t total = weights.file_bytes();
  int64_t done = 0;
  constexpr size_t kStride = 4096;
  for (const std::string& name : weights.names()) {
    const auto tensor = weights.find(name);
    if (!tensor) continue;
    for (size_t at = 0; at < tensor->bytes(); at += kStride) {
      [[maybe_unused]] const volatile std::byte touched = tensor->data[at];
    }
    done += static_cast<int64_t>(tensor->bytes());
    if (context.progress) context.progress(done, total);
  }
}

}  // namespace

struct ServedModel::Parts {
  ModelFiles files;
  const Kernels* kernels = nullptr;
  std::unique_ptr<Model> model;
  int max_model_len = 0;
  std::optional<KvCache> kv;
  std::optional<PagePool> pages;
  std::optional<ThreadPool> pool;
  std::optional<LocalRunner> runner;
  std::optional<uint64_t> seed;
  std::atomic<uint64_t> requests{0};
  std::optional<EngineThread> engine;  // last: it uses all of the above
};

ServedModel::ServedModel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ServedModel::~ServedModel() = default;

Result<std::unique_ptr<ServedModel>> ServedModel::load(const ServeOptions& options,
                                                       const LoadContext& context) {
  auto parts = std::make_unique<Parts>();
  KT_TRY(parts->kernels, select_kernels(options.isa));
  KT_TRY(parts->files, open_model_files(options.model));
  const ModelFiles& files = parts->files;
  KT_TRY_VOID(check_fits(files));
  KT_TRY(parts->model, build_model(files.config, *files.weights, *parts->kernels));
  const Model& model = *parts->model;
  if (options.dtype != "auto" && options.dtype != name_of(model.weight_dtype())) {
    return invalid("--dtype " + options.dtype + ": these weights are " +
                   std::string(name_of(model.weight_dtype())) + " and are used as they are stored");
  }
  if (files.tokenizer && files.tokenizer->vocab_size() > files.config.vocab_size) {
    return invalid(files.path.string() + ": the tokenizer has " +
                   std::to_string(files.tokenizer->vocab_size()) + " tokens, the model only " +
                   std::to_string(files.config.vocab_size) + ": they are not of one model");
  }
  context.log.info("model: " + files.path.string() + ", " + files.config.architecture + ", " +
                   std::string(name_of(model.weight_dtype())) + ", " +
                   megabytes(files.weights->file_bytes()) + " of weights, memory-mapped");
  read_weights(*files.weights, context);
  KT_TRY(const DType kv_dtype, pick_kv_dtype(options, model.weight_dtype()));
  KT_TRY(parts->max_model_len, pick_max_model_len(options, files.config));
  const KvSpec spec = model.kv_spec(kv_dtype);
  KT_TRY(const int page_count, pick_page_count(options, spec, parts->max_model_len, context.log));
  KT_TRY(parts->kv, KvCache::reserve(spec, page_count));
  parts->pages.emplace(page_count);
  parts->pool.emplace(options.threads > 0 ? options.threads : usable_cpu_count());
  parts->runner.emplace(model, *parts->kv, *parts->pool, context.clock,
                        options.max_num_batched_tokens);
  const SchedulerConfig scheduler{options.max_num_seqs, options.max_num_batched_tokens, kPageTokens,
                                  false};
  auto engine = std::make_unique<Engine>(scheduler, *parts->pages, *parts->runner,
                                         files.tokenizer.get(), context.clock, context.observer);
  parts->seed = options.seed;
  parts->engine.emplace(std::move(engine), *parts->pages, context.clock,
                        options.max_num_seqs + options.max_waiting);
  context.log.info("kernels: " + std::string(parts->kernels->name) + ", " +
                   std::to_string(parts->pool->size()) + " threads; context " +
                   std::to_string(parts->max_model_len) + " tokens, at most " +
                   std::to_string(options.max_num_seqs) + " sequences and " +
                   std::to_string(options.max_num_batched_tokens) + " tokens a step");
  return std::unique_ptr<ServedModel>(new ServedModel(std::move(parts)));
}

const ModelConfig& ServedModel::config() const { return parts_->files.config; }
const GenerationDefaults& ServedModel::defaults() const { return parts_->files.defaults; }
const Tokenizer* ServedModel::tokenizer() const { return parts_->files.tokenizer.get(); }
EngineThread& ServedModel::engine() { return *parts_->engine; }
std::string_view ServedModel::kernels_name() const { return parts_->kernels->name; }
int ServedModel::max_model_len() const { return parts_->max_model_len; }
const KvCache& ServedModel::kv() const { return *parts_->kv; }

uint64_t ServedModel::seed_for_request() {
  if (!parts_->seed) return entropy_seed();
  const auto bits = philox4x32(
      {static_cast<uint32_t>(++parts_->requests), 0, 0, 0},
      {static_cast<uint32_t>(*parts_->seed), static_cast<uint32_t>(*parts_->seed >> 32)});
  return (uint64_t{bits[0]} << 32) | bits[1];
}

}  // namespace kilotoken
