#include "serve/load/served_model.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "base/files.h"
#include "base/rng.h"
#include "compute/tensor/arena.h"
#include "engine/run/async_runner.h"
#include "engine/run/local_runner.h"
#include "serve/load/made_model.h"

namespace kilotoken {
namespace {

constexpr int kFirstTokenBudget = 512;  // until it follows the latency
constexpr int64_t kDefaultKvBytes = int64_t{4} << 30;

Result<DType> pick_kv_dtype(const ServeOptions& options, DType weights) {
  if (options.kv_cache_dtype == "auto") return default_kv_dtype(weights);
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
  const std::string one = mebibytes_text(pages_per_sequence * page_bytes) +
                          " for one sequence of " + std::to_string(max_model_len) + " tokens";
  if (pages < pages_per_sequence) {
    return Error{ErrorCode::kTooLarge,
                 "the KV cache of " + mebibytes_text(bytes) + " is too small: it needs " + one +
                     "; raise --kv-cache-memory-bytes or lower --max-model-len to " +
                     std::to_string(std::max<int64_t>(0, pages * kPageTokens)),
                 {}};
  }
  if (bytes > available) {
    return Error{ErrorCode::kTooLarge,
                 "the KV cache of " + mebibytes_text(bytes) + " does not fit into the " +
                     mebibytes_text(available) + " of memory left; lower --kv-cache-memory-bytes",
                 {}};
  }
  constexpr int64_t kMaxPages = 1 << 30;
  const int64_t count = std::min(pages, kMaxPages);
  log.info("KV cache: " + std::string(name_of(spec.dtype)) + ", " + std::to_string(count) +
           " pages of 64 tokens, " + mebibytes_text(count * page_bytes) + " (" +
           (options.kv_cache_memory_bytes
                ? "as --kv-cache-memory-bytes says"
                : "the least of: " + std::to_string(options.max_num_seqs) +
                      " sequences at full length " + mebibytes_text(all) +
                      ", half of free memory " + mebibytes_text(available / 2) + ", 4 GiB") +
           "); " + one);
  return static_cast<int>(count);
}

Result<ModelFiles> open_files(const ServeOptions& options) {
  if (options.load_format == "dummy") {
    return make_dummy_model(options.model, options.num_layers, options.dtype);
  }
  if (options.load_format == "inflated" && !options.config_shape) {
    return invalid("--load-format inflated needs --config-shape, the shape to inflate to");
  }
  if (options.load_format != "inflated" && (options.num_layers || options.config_shape)) {
    return invalid(std::string(options.num_layers ? "--num-layers" : "--config-shape") +
                   " is for weights that are made up: with --load-format dummy or inflated");
  }
  KT_TRY(ModelFiles files, open_model_files(options.model));
  if (options.load_format != "inflated") return files;
  return make_inflated_model(std::move(files), *options.config_shape, options.num_layers);
}

SchedulerConfig scheduler_config(const ServeOptions& options) {
  SchedulerConfig config;
  config.max_num_seqs = options.max_num_seqs;
  config.max_num_batched_tokens = options.max_num_batched_tokens.value_or(kFirstTokenBudget);
  config.page_tokens = kPageTokens;
  config.batching = options.batching == "static" ? Batching::kStatic : Batching::kContinuous;
  config.static_batch_wait_ns = int64_t{options.static_batch_wait_ms} * 1'000'000;
  config.kv_cache = options.kv_cache;
  config.chunked_prefill = options.chunked_prefill;
  return config;
}

// With a report of how much of the weights has been read.
Result<LoadOptions> load_options(const ServeOptions& options, const WeightSource& weights,
                                 const LoadContext& context) {
  KT_TRY(LoadOptions load, quantised_load(options.quantization, options.activations));
  if (context.progress) {
    load.read = [&context, total = weights.file_bytes(), done = int64_t{0}](int64_t bytes) mutable {
      done += bytes;
      context.progress(done, total);
    };
  }
  return load;
}

Result<ChatTemplate> template_of_option(const std::string& option, const ModelFiles& files) {
  if (option.find_first_of("{\n") != std::string::npos) {
    return ChatTemplate::compile(option, files.special_tokens, "--chat-template");
  }
  KT_TRY(const std::string source, read_text_file(option));
  return ChatTemplate::compile(source, files.special_tokens, option);
}

// A model whose own template cannot be used still completes text: chats are refused with the
// reason.
Result<ChatTemplate> template_of_model(const ModelFiles& files, const Log& log) {
  if (files.chat_templates.empty()) {
    return invalid(
        "this model has no chat template: start the server with --chat-template FILE, or use "
        "/v1/completions");
  }
  KT_TRY(const std::string source, files.chat_templates.choose({}, /*has_tools=*/false));
  auto compiled =
      ChatTemplate::compile(source, files.special_tokens, files.path.string() + ": chat template");
  if (compiled.ok()) return compiled;
  const std::string why = compiled.error().message + " (--chat-template FILE gives another)";
  log.warn("no chat: " + why);
  return invalid(why);
}

// The options that results depend on, as they came out.
OrderedJson configuration_of(const ServeOptions& options, const Model& model, const KvCache& kv,
                             std::string_view kernels, int threads, int max_model_len) {
  return {{"kernels", kernels},
          {"threads", threads},
          {"load_format", options.load_format},
          {"dtype", name_of(model.weight_dtype())},
          {"quantization", options.quantization},
          {"activations", options.activations},
          {"weight_bytes", model.loaded().bytes},
          {"kv_cache_dtype", name_of(kv.spec().dtype)},
          {"kv_pages", kv.page_count()},
          {"max_model_len", max_model_len},
          {"max_num_seqs", options.max_num_seqs},
          {"max_waiting", options.max_waiting},
          {"max_num_batched_tokens", options.max_num_batched_tokens
                                         ? OrderedJson(*options.max_num_batched_tokens)
                                         : OrderedJson("by itl_target_ms")},
          {"itl_target_ms", options.itl_target_ms},
          {"batching", options.batching},
          {"static_batch_wait_ms", options.static_batch_wait_ms},
          {"chunked_prefill", options.chunked_prefill},
          {"kv_cache", options.kv_cache},
          {"prefix_caching", options.prefix_caching && options.kv_cache},
          {"async_scheduling", options.async_scheduling}};
}

// What the machine withholds from the kernels, if anything.
std::string withheld_text(const ThreadPool& pool) {
  std::string text;
  if (pool.size() > 1 && !pool.pinned()) {
    text += " (not pinned: " + std::to_string(usable_cpu_count()) + " CPUs may be used)";
  }
  return text + (huge_pages_offered() ? "" : " (no huge pages: see transparent_hugepage/enabled)");
}

}  // namespace

struct ServedModel::Parts {
  ModelFiles files;
  Result<ChatTemplate> chat_template = Error{};
  const Kernels* kernels = nullptr;
  std::unique_ptr<Model> model;
  int max_model_len = 0;
  std::optional<KvCache> kv;
  std::optional<PagePool> pages;
  std::optional<PrefixCache> cache;
  std::optional<ThreadPool> pool;
  std::optional<LocalRunner> runner;
  std::optional<AsyncRunner> async;  // with --async-scheduling, in front of the runner
  StepTiming step_timing;
  std::optional<TokenBudget> budget;
  std::optional<BothObservers> observers;
  OrderedJson configuration;
  std::optional<uint64_t> seed;
  std::atomic<uint64_t> requests{0};
  std::optional<EngineThread> engine;  // last: it uses all of the above
};

ServedModel::ServedModel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
DType default_kv_dtype(DType weights) {
  return weights == DType::kF32 ? DType::kF32 : DType::kBF16;
}

ServedModel::~ServedModel() = default;

Result<std::unique_ptr<ServedModel>> ServedModel::load(const ServeOptions& options,
                                                       const LoadContext& context) {
  auto parts = std::make_unique<Parts>();
  KT_TRY(parts->kernels, select_kernels(options.isa));
  KT_TRY(parts->files, open_files(options));
  const ModelFiles& files = parts->files;
  parts->pool.emplace(options.threads > 0 ? options.threads : usable_cpu_count(),
                      ThreadPool::Pinning::kWorkers);
  KT_TRY(const LoadOptions load, load_options(options, *files.weights, context));
  KT_TRY(parts->model,
         build_model(files.config, *files.weights, *parts->kernels, *parts->pool, load));
  const Model& model = *parts->model;
  if (options.dtype != "auto" && options.dtype != name_of(model.weight_dtype())) {
    return invalid("--dtype " + options.dtype + ": these weights are " +
                   std::string(name_of(model.weight_dtype())) + " and are used as they are stored");
  }
  KT_TRY_VOID(check_tokenizer_fits(files));
  parts->chat_template = options.chat_template ? template_of_option(*options.chat_template, files)
                                               : template_of_model(files, context.log);
  if (options.chat_template && !parts->chat_template.ok()) return parts->chat_template.error();
  context.log.info("model: " + files.path.string() + ", " + files.config.architecture + ", " +
                   std::string(name_of(model.weight_dtype())) +
                   (options.quantization.empty() ? "" : " quantised to " + options.quantization) +
                   ", " + mebibytes_text(model.loaded().bytes) + " of weights" +
                   (options.load_format == "auto" ? "" : ", made up"));
  for (const std::string& said : model.loaded().exceptions(options.quantization)) {
    context.log.warn(said);
  }
  KT_TRY(const DType kv_dtype, pick_kv_dtype(options, model.weight_dtype()));
  KT_TRY(parts->max_model_len, pick_max_model_len(options, files.config));
  const KvSpec spec = model.kv_spec(kv_dtype);
  KT_TRY(const int page_count, pick_page_count(options, spec, parts->max_model_len, context.log));
  KT_TRY(parts->kv, KvCache::reserve(spec, page_count));
  parts->pages.emplace(page_count);
  if (options.prefix_caching && options.kv_cache) parts->cache.emplace(*parts->pages, kPageTokens);
  parts->runner.emplace(model, *parts->kv, *parts->pool, context.clock,
                        scheduler_config(options).max_num_batched_tokens);
  parts->observers.emplace(parts->step_timing, context.observer);
  if (options.async_scheduling) parts->async.emplace(*parts->runner);
  Runner& runner = parts->async ? static_cast<Runner&>(*parts->async) : *parts->runner;
  auto engine = std::make_unique<Engine>(
      scheduler_config(options), *parts->pages, parts->cache ? &*parts->cache : nullptr, runner,
      files.tokenizer.get(), context.clock, &*parts->observers,
      options.async_scheduling ? Loop::kOverlap : Loop::kSequential);
  if (!options.max_num_batched_tokens) {
    parts->budget.emplace(
        parts->step_timing,
        TokenBudget::Config{int64_t{options.itl_target_ms} * 1'000'000, kFirstTokenBudget});
    engine->follow(*parts->budget);
  }
  parts->configuration = configuration_of(options, model, *parts->kv, parts->kernels->name,
                                          parts->pool->size(), parts->max_model_len);
  parts->seed = options.seed;
  parts->engine.emplace(std::move(engine), *parts->pages, context.clock,
                        options.max_num_seqs + options.max_waiting);
  if (!options.kv_cache) {
    context.log.info(
        "no KV cache: every token is computed from its whole sequence, and prefixes "
        "are not cached");
  }
  context.log.info(
      "kernels: " + std::string(parts->kernels->name) + ", " + std::to_string(parts->pool->size()) +
      " threads" + withheld_text(*parts->pool) + "; context " +
      std::to_string(parts->max_model_len) + " tokens, at most " +
      std::to_string(options.max_num_seqs) + " sequences and " +
      (options.max_num_batched_tokens
           ? std::to_string(*options.max_num_batched_tokens) + " tokens a step"
           : "as many tokens a step as " + std::to_string(options.itl_target_ms) + " ms allow"));
  return std::unique_ptr<ServedModel>(new ServedModel(std::move(parts)));
}

const ModelConfig& ServedModel::config() const { return parts_->files.config; }
const GenerationDefaults& ServedModel::defaults() const { return parts_->files.defaults; }
const Tokenizer* ServedModel::tokenizer() const { return parts_->files.tokenizer.get(); }
const Result<ChatTemplate>& ServedModel::chat_template() const { return parts_->chat_template; }
const SpecialTokens& ServedModel::special_tokens() const { return parts_->files.special_tokens; }
EngineThread& ServedModel::engine() { return *parts_->engine; }
const StepTiming& ServedModel::step_timing() const { return parts_->step_timing; }
int ServedModel::threads() const { return parts_->pool->size(); }
int64_t ServedModel::weight_bytes() const { return parts_->model->loaded().bytes; }
std::string_view ServedModel::kernels_name() const { return parts_->kernels->name; }
int ServedModel::max_model_len() const { return parts_->max_model_len; }
const KvCache& ServedModel::kv() const { return *parts_->kv; }
bool ServedModel::prefix_caching() const { return parts_->cache.has_value(); }
const OrderedJson& ServedModel::configuration() const { return parts_->configuration; }

uint64_t ServedModel::seed_for_request() {
  if (!parts_->seed) return entropy_seed();
  const auto bits = philox4x32(
      {static_cast<uint32_t>(++parts_->requests), 0, 0, 0},
      {static_cast<uint32_t>(*parts_->seed), static_cast<uint32_t>(*parts_->seed >> 32)});
  return (uint64_t{bits[0]} << 32) | bits[1];
}

}  // namespace kilotoken
