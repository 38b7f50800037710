#include "model/families/llama_inflated.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "model/families/llama.h"
#include "model/weights/made_weights.h"

namespace kilotoken {
namespace {

// What the rows or columns of a matrix stand for.
enum class Axis { kVocabulary, kHidden, kFeedForward, kQuery, kKey, kValue, kAttended };

struct Role {
  std::string_view name_end;
  Axis rows, columns;
  bool is_norm = false;
};
constexpr Role kRoles[] = {
    {"embed_tokens.weight", Axis::kVocabulary, Axis::kHidden},
    {"lm_head.weight", Axis::kVocabulary, Axis::kHidden},
    {"q_proj.weight", Axis::kQuery, Axis::kHidden},
    {"k_proj.weight", Axis::kKey, Axis::kHidden},
    {"v_proj.weight", Axis::kValue, Axis::kHidden},
    {"o_proj.weight", Axis::kHidden, Axis::kAttended},
    {"gate_proj.weight", Axis::kFeedForward, Axis::kHidden},
    {"up_proj.weight", Axis::kFeedForward, Axis::kHidden},
    {"down_proj.weight", Axis::kHidden, Axis::kFeedForward},
    {"norm.weight", Axis::kHidden, Axis::kHidden, true},
};

const Role& role_of(std::string_view name) {
  for (const Role& role : kRoles) {
    if (name.ends_with(role.name_end)) return role;
  }
  KT_CHECK(false, "every tensor of the family has a role");
  return kRoles[0];
}

struct Inflation {
  ModelConfig from, to;

  double norm_factor() const { return std::sqrt(double(from.hidden_size) / to.hidden_size); }
  double query_factor() const { return std::sqrt(double(to.head_dim) / from.head_dim); }
  double factor_of(const Role& role) const {
    return role.is_norm ? norm_factor() : role.rows == Axis::kQuery ? query_factor() : 1.0;
  }

  // Where index i of an axis goes.
  std::vector<int64_t> places(Axis axis) const;
};

// Dimension i of a head in one that is `times` as large. Rotation pairs i with i + size / 2 at the
// frequency theta^(-2i / size); the pair times * i of the larger head has the same frequency.
int64_t rotated_place(int64_t i, int64_t size, int64_t times) {
  const int64_t half = size / 2;
  return i < half ? times * i : times * half + times * (i - half);
}

std::vector<int64_t> Inflation::places(Axis axis) const {
  const bool queries = axis == Axis::kQuery || axis == Axis::kAttended;
  const bool rotated = axis == Axis::kQuery || axis == Axis::kKey;
  std::vector<int64_t> out;
  if (axis == Axis::kVocabulary || axis == Axis::kHidden || axis == Axis::kFeedForward) {
    const int count = axis == Axis::kVocabulary ? from.vocab_size
                      : axis == Axis::kHidden   ? from.hidden_size
                                                : from.intermediate_size;
    for (int i = 0; i < count; ++i) out.push_back(i);
    return out;
  }
  const int group = from.heads / from.kv_heads, new_group = to.heads / to.kv_heads;
  const int count = queries ? from.heads : from.kv_heads;
  for (int head = 0; head < count; ++head) {
    const int64_t place = queries ? head / group * new_group + head % group : head;
    for (int i = 0; i < from.head_dim; ++i) {
      out.push_back(place * to.head_dim +
                    (rotated ? rotated_place(i, from.head_dim, to.head_dim / from.head_dim) : i));
    }
  }
  return out;
}

bool is_power_of_two(double value) {
  int exponent = 0;
  return std::frexp(value, &exponent) == 0.5;
}

Result<void> check_at_least(std::string_view what, int from, int to) {
  if (to >= from) return {};
  return invalid("cannot inflate to this shape: its " + std::string(what) + " is " +
                 std::to_string(to) + ", the model's " + std::to_string(from));
}

// Of one layer's matrices; a query number may be stored wider than the others.
int64_t layer_bytes(const ModelConfig& c, size_t number_bytes, size_t query_number_bytes) {
  const int64_t hidden = c.hidden_size, queries = int64_t{c.head_dim} * c.heads;
  const int64_t others = queries + 2 * int64_t{c.head_dim} * c.kv_heads + 3 * c.intermediate_size;
  return hidden * (static_cast<int64_t>(query_number_bytes) * queries +
                   static_cast<int64_t>(number_bytes) * others);
}

// As many layers as bring the bytes read per token nearest to those of `shape`.
int layers_for(const Inflation& inflation, const ModelConfig& shape, size_t number_bytes) {
  const bool exact = is_power_of_two(inflation.query_factor());
  const int64_t layer = layer_bytes(shape, number_bytes, exact ? number_bytes : sizeof(float));
  const int64_t more_head = static_cast<int64_t>(number_bytes) * shape.hidden_size *
                            (int64_t{shape.vocab_size} - inflation.from.vocab_size);
  const int64_t wanted = shape.layers * layer_bytes(shape, number_bytes, number_bytes) + more_head;
  const int64_t nearest = (std::max<int64_t>(wanted, 0) + layer / 2) / layer;
  return std::max(inflation.from.layers, static_cast<int>(nearest));
}

Result<Inflation> plan(const ModelConfig& from, const WeightSource& weights,
                       const ModelConfig& shape) {
  if (from.rope.interleaved || from.rope_factors_in_weights) {
    return Error{ErrorCode::kUnsupported,
                 weights.where() + ": only an HF checkpoint can be inflated, this is a GGUF file",
                 {}};
  }
  KT_TRY_VOID(check_at_least("hidden size", from.hidden_size, shape.hidden_size));
  KT_TRY_VOID(check_at_least("feed-forward size", from.intermediate_size, shape.intermediate_size));
  KT_TRY_VOID(check_at_least("number of layers", from.layers, shape.layers));
  KT_TRY_VOID(check_at_least("number of KV heads", from.kv_heads, shape.kv_heads));
  KT_TRY_VOID(check_at_least("number of heads per KV head", from.heads / from.kv_heads,
                             shape.heads / shape.kv_heads));
  if (shape.head_dim % from.head_dim != 0) {
    return invalid("cannot inflate to this shape: its head size " + std::to_string(shape.head_dim) +
                   " is no multiple of the model's " + std::to_string(from.head_dim));
  }
  KT_TRY(const Tensor embedding, require_tensor(weights, "model.embed_tokens.weight"));
  ModelConfig to = from;
  to.hidden_size = shape.hidden_size;
  to.intermediate_size = shape.intermediate_size;
  to.heads = shape.heads;
  to.kv_heads = shape.kv_heads;
  to.head_dim = shape.head_dim;
  to.rms_norm_eps =
      static_cast<float>(double(from.rms_norm_eps) * from.hidden_size / to.hidden_size);
  Inflation inflation{from, to};
  inflation.to.layers = layers_for(inflation, shape, size_of(embedding.dtype));
  return inflation;
}

// The tensors to make; those that carry a factor which the stored type cannot are float32.
Result<std::vector<TensorShape>> tensors_of(const Inflation& inflation,
                                            const WeightSource& weights) {
  KT_TRY(const Tensor embedding, require_tensor(weights, "model.embed_tokens.weight"));
  std::vector<TensorShape> tensors = llama_tensors(inflation.to);
  for (TensorShape& tensor : tensors) {
    const std::optional<Tensor> source = weights.find(tensor.name);  // none in an added layer
    const bool exact = is_power_of_two(inflation.factor_of(role_of(tensor.name)));
    tensor.dtype = exact ? (source ? source->dtype : embedding.dtype) : DType::kF32;
  }
  return tensors;
}

void place(const Inflation& inflation, const Role& role, const Tensor& source, const Tensor& target,
           std::span<std::byte> bytes) {
  const std::vector<int64_t> columns = inflation.places(role.columns);
  const std::vector<int64_t> rows =
      role.is_norm ? std::vector<int64_t>{0} : inflation.places(role.rows);
  const int64_t width = target.size(target.rank - 1);
  const double factor = inflation.factor_of(role);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < columns.size(); ++c) {
      const float value = source.at(static_cast<int64_t>(r * columns.size() + c));
      const auto at = static_cast<size_t>(rows[r] * width + columns[c]) * size_of(target.dtype);
      store(bytes.data() + at, target.dtype, static_cast<float>(factor * value));
    }
  }
}

}  // namespace

Result<InflatedModel> inflate_llama(const ModelConfig& from, std::unique_ptr<WeightSource> weights,
                                    const ModelConfig& to) {
  KT_TRY(const Inflation inflation, plan(from, *weights, to));
  KT_TRY(const std::vector<TensorShape> tensors, tensors_of(inflation, *weights));
  const std::string where = weights->where() + ", inflated";
  const auto write = [inflation, source = std::shared_ptr<const WeightSource>(std::move(weights))](
                         const std::string& name, const Tensor& target,
                         std::span<std::byte> bytes) {
    // Zeros are written, too: memory never written to is one page of zeros, and costs no reading.
    std::ranges::fill(bytes, std::byte{0});
    const std::optional<Tensor> small = source->find(name);
    if (small) place(inflation, role_of(name), *small, target, bytes);
  };
  KT_TRY(auto made, weights_on_demand(tensors, where, write));
  return InflatedModel{inflation.to, std::move(made)};
}

}  // namespace kilotoken
