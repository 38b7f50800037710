#include "model/families/llama.h"

#include <cstring>

#include "model/blocks/attention.h"
#include "model/blocks/checkpoint.h"
#include "model/blocks/mlp.h"
#include "model/blocks/rope.h"

namespace kilotoken {
namespace {

// Both spellings of each tensor; "#" stands for the layer.
struct Name {
  std::string_view hf, gguf;
};
constexpr Name kEmbedding{"model.embed_tokens.weight", "token_embd.weight"};
constexpr Name kFinalNorm{"model.norm.weight", "output_norm.weight"};
constexpr Name kHead{"lm_head.weight", "output.weight"};
constexpr Name kAttentionNorm{"model.layers.#.input_layernorm.weight", "blk.#.attn_norm.weight"};
constexpr Name kQuery{"model.layers.#.self_attn.q_proj.weight", "blk.#.attn_q.weight"};
constexpr Name kKey{"model.layers.#.self_attn.k_proj.weight", "blk.#.attn_k.weight"};
constexpr Name kValue{"model.layers.#.self_attn.v_proj.weight", "blk.#.attn_v.weight"};
constexpr Name kOutput{"model.layers.#.self_attn.o_proj.weight", "blk.#.attn_output.weight"};
constexpr Name kMlpNorm{"model.layers.#.post_attention_layernorm.weight", "blk.#.ffn_norm.weight"};
constexpr Name kGate{"model.layers.#.mlp.gate_proj.weight", "blk.#.ffn_gate.weight"};
constexpr Name kUp{"model.layers.#.mlp.up_proj.weight", "blk.#.ffn_up.weight"};
constexpr Name kDown{"model.layers.#.mlp.down_proj.weight", "blk.#.ffn_down.weight"};

std::string spelled(const Name& name, TensorNames names, int layer) {
  std::string text(names == TensorNames::kHf ? name.hf : name.gguf);
  if (const size_t at = text.find('#'); at != std::string::npos) {
    text.replace(at, 1, std::to_string(layer));
  }
  return text;
}

struct Layer {
  Tensor attention_norm;  // [hidden]
  AttentionBlock attention;
  Tensor mlp_norm;  // [hidden]
  GatedMlp mlp;
};

class Llama final : public Model {
 public:
  Llama(const ModelConfig& config, const Kernels& kernels) : config_(config), kernels_(kernels) {}

  Result<void> load(CheckpointReader& reader, TensorNames names);

  const ModelConfig& config() const override { return config_; }
  DType weight_dtype() const override { return weight_dtype_; }
  const LoadReport& loaded() const override { return loaded_; }
  KvSpec kv_spec(DType kv_dtype) const override {
    return {config_.layers, config_.kv_heads, config_.head_dim, kv_dtype};
  }
  size_t workspace_bytes(int rows, int logit_rows) const override;
  ForwardOut forward(const Batch& batch, Workspace& workspace, ThreadPool& pool) const override;

 private:
  Result<Layer> load_layer(CheckpointReader& reader, TensorNames names, int index) const;
  const Weight& head() const { return config_.tie_word_embeddings ? embedding_ : head_; }
  std::span<const float> logits(const BlockContext& context, const float* residual) const;

  ModelConfig config_;
  const Kernels& kernels_;
  DType weight_dtype_ = DType::kF32;
  LoadReport loaded_;
  Weight embedding_;   // [vocab, hidden]
  Tensor final_norm_;  // [hidden]
  Weight head_;        // [vocab, hidden]; none when tied to the embedding
  std::vector<Layer> layers_;
  std::vector<float> inv_freq_;  // [head_dim / 2]
};

// Calls visit(name, shape, tensor) for each tensor of a layer, so that what is loaded and what a
// made checkpoint must hold are one list.
template <typename Visit>
Result<void> visit_layer(const ModelConfig& config, Layer& layer, const Visit& visit) {
  const int64_t hidden = config.hidden_size, wide = config.intermediate_size;
  const int64_t q_size = int64_t{config.heads} * config.head_dim;
  const int64_t kv_size = int64_t{config.kv_heads} * config.head_dim;
  KT_TRY_VOID(visit(kAttentionNorm, {hidden}, layer.attention_norm));
  KT_TRY_VOID(visit(kQuery, {q_size, hidden}, layer.attention.query));
  KT_TRY_VOID(visit(kKey, {kv_size, hidden}, layer.attention.key));
  KT_TRY_VOID(visit(kValue, {kv_size, hidden}, layer.attention.value));
  KT_TRY_VOID(visit(kOutput, {hidden, q_size}, layer.attention.output));
  KT_TRY_VOID(visit(kMlpNorm, {hidden}, layer.mlp_norm));
  KT_TRY_VOID(visit(kGate, {wide, hidden}, layer.mlp.gate));
  KT_TRY_VOID(visit(kUp, {wide, hidden}, layer.mlp.up));
  return visit(kDown, {hidden, wide}, layer.mlp.down);
}

using Shape = std::initializer_list<int64_t>;

Result<Layer> Llama::load_layer(CheckpointReader& reader, TensorNames names, int index) const {
  Layer layer;
  layer.attention.heads = config_.heads;
  layer.attention.kv_heads = config_.kv_heads;
  layer.attention.head_dim = config_.head_dim;
  layer.attention.window = config_.sliding_window;
  layer.attention.interleaved_rope = config_.rope.interleaved;
  const auto load_one = [&]<typename T>(const Name& name, Shape shape, T& to) -> Result<void> {
    if constexpr (std::is_same_v<T, Weight>) {
      KT_TRY(to, reader.matrix(spelled(name, names, index), shape));
    } else {
      KT_TRY(to, reader.numbers(spelled(name, names, index), shape));
    }
    return {};
  };
  KT_TRY_VOID(visit_layer(config_, layer, load_one));
  return layer;
}

Result<void> Llama::load(CheckpointReader& reader, TensorNames names) {
  const int64_t hidden = config_.hidden_size, vocab = config_.vocab_size;
  const bool tied = config_.tie_word_embeddings;
  KT_TRY(weight_dtype_, reader.dtype_of(spelled(kOutput, names, 0)));
  KT_TRY(embedding_, reader.matrix(spelled(kEmbedding, names, 0), {vocab, hidden},
                                   tied ? MatrixUse::kHead : MatrixUse::kEmbedding));
  KT_TRY(final_norm_, reader.numbers(spelled(kFinalNorm, names, 0), {hidden}));
  if (!tied) {
    KT_TRY(head_, reader.matrix(spelled(kHead, names, 0), {vocab, hidden}, MatrixUse::kHead));
  }
  for (int i = 0; i < config_.layers; ++i) {
    KT_TRY(Layer layer, load_layer(reader, names, i));
    layers_.push_back(std::move(layer));
  }
  Tensor divisors;
  if (config_.rope_factors_in_weights) {
    KT_TRY(divisors, reader.numbers("rope_freqs.weight", {config_.head_dim / 2}));
  }
  inv_freq_ = rope_inverse_frequencies(config_.rope, config_.head_dim, divisors);
  loaded_ = reader.report();
  return {};
}

size_t Llama::workspace_bytes(int rows, int logit_rows) const {
  const auto hidden = static_cast<size_t>(config_.hidden_size);
  const auto row_count = static_cast<size_t>(rows), wanted = static_cast<size_t>(logit_rows);
  const Layer& layer = layers_.front();
  const size_t floats =
      row_count * hidden * 2 +
      std::max(layer.attention.scratch_floats(rows), layer.mlp.scratch_floats(rows)) +
      wanted * (2 * hidden + static_cast<size_t>(config_.vocab_size));
  const int widest =
      std::max({config_.hidden_size, config_.intermediate_size, config_.heads * config_.head_dim});
  constexpr size_t kAlignmentSlack = 64 * 16;  // each piece taken is rounded up to a cache line
  return floats * sizeof(float) + linear_scratch_bytes(std::max(rows, logit_rows), widest) +
         kAlignmentSlack;
}

std::span<const float> Llama::logits(const BlockContext& context, const float* residual) const {
  const auto hidden = static_cast<size_t>(config_.hidden_size);
  const auto wanted = context.batch.logit_rows;
  if (wanted.empty()) return {};
  float* rows = context.workspace.take<float>(wanted.size() * hidden).data();
  for (size_t i = 0; i < wanted.size(); ++i) {
    std::memcpy(rows + i * hidden, residual + static_cast<size_t>(wanted[i]) * hidden,
                hidden * sizeof(float));
  }
  const auto count = static_cast<int64_t>(wanted.size());
  float* normed = context.workspace.take<float>(wanted.size() * hidden).data();
  kernels_.rms_norm(rows, final_norm_, config_.rms_norm_eps, count, normed, context.pool);
  auto out = context.workspace.take<float>(wanted.size() * static_cast<size_t>(config_.vocab_size));
  context.linear({normed, head(), out.data(), count});
  return out;
}

ForwardOut Llama::forward(const Batch& batch, Workspace& workspace, ThreadPool& pool) const {
  LinearCalls calls;
  const BlockContext context{kernels_, pool, workspace, batch, calls};
  const int64_t rows = batch.rows();
  const auto size = static_cast<size_t>(rows * config_.hidden_size);
  workspace.reset();
  float* residual = workspace.take<float>(size).data();
  float* normed = workspace.take<float>(size).data();
  kernels_.embed(embedding_, batch.tokens.data(), rows, residual, pool);
  const Workspace::Mark layer_scratch = workspace.mark();
  for (int i = 0; i < config_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    kernels_.rms_norm(residual, layer.attention_norm, config_.rms_norm_eps, rows, normed, pool);
    layer.attention.forward(context, i, normed, inv_freq_, residual);
    workspace.rewind(layer_scratch);
    kernels_.rms_norm(residual, layer.mlp_norm, config_.rms_norm_eps, rows, normed, pool);
    layer.mlp.forward(context, normed, residual);
    workspace.rewind(layer_scratch);
  }
  const std::span<const float> wanted = logits(context, residual);
  return {wanted, calls};
}

}  // namespace

std::vector<TensorShape> llama_tensors(const ModelConfig& config) {
  const int64_t hidden = config.hidden_size, vocab = config.vocab_size;
  const TensorNames names = TensorNames::kHf;
  std::vector<TensorShape> all{{spelled(kEmbedding, names, 0), {vocab, hidden}},
                               {spelled(kFinalNorm, names, 0), {hidden}}};
  if (!config.tie_word_embeddings) all.push_back({spelled(kHead, names, 0), {vocab, hidden}});
  Layer unused;
  for (int i = 0; i < config.layers; ++i) {
    const auto note = [&](const Name& name, Shape shape, auto&) -> Result<void> {
      all.push_back({spelled(name, names, i), shape});
      return {};
    };
    KT_CHECK(visit_layer(config, unused, note).ok(), "noting a name cannot fail");
  }
  return all;
}

Result<std::unique_ptr<Model>> build_llama(const ModelConfig& config, CheckpointReader& reader,
                                           TensorNames names, const Kernels& kernels) {
  auto model = std::make_unique<Llama>(config, kernels);
  KT_TRY_VOID(model->load(reader, names));
  return std::unique_ptr<Model>(std::move(model));
}

}  // namespace kilotoken
