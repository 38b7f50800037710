#include "measure/eval/rounding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "model/weights/made_weights.h"

namespace kilotoken {
namespace {

constexpr size_t kGroup = 128;  // weights that share a scale in kInt4

constexpr std::pair<Rounding, std::string_view> kNames[] = {
    {Rounding::kNone, "none"}, {Rounding::kInt4, "int4"}, {Rounding::kInt8, "int8"}};

// Two dimensions, and neither embedding nor head.
bool is_linear(const std::string& name, const Tensor& tensor) {
  constexpr std::string_view kKept[] = {"model.embed_tokens.weight", "lm_head.weight",
                                        "token_embd.weight", "output.weight"};
  return tensor.rank == 2 && std::find(std::begin(kKept), std::end(kKept), name) == std::end(kKept);
}

void round_group_int4(std::span<float> weights) {
  float least = 0, largest = 0;
  for (const float weight : weights) {
    least = std::min(least, weight);
    largest = std::max(largest, weight);
  }
  const float scale = to_float(to_half((largest - least) / 15.0f));
  if (scale == 0) {
    std::fill(weights.begin(), weights.end(), 0.0f);
    return;
  }
  const float zero = std::clamp(std::nearbyint(-least / scale), 0.0f, 15.0f);
  for (float& weight : weights) {
    weight = (std::clamp(std::nearbyint(weight / scale) + zero, 0.0f, 15.0f) - zero) * scale;
  }
}

void round_linear(const Tensor& tensor, Rounding rounding, std::span<std::byte> to) {
  const auto in = static_cast<size_t>(tensor.size(1));
  std::vector<float> channel(in);
  for (int64_t out = 0; out < tensor.size(0); ++out) {
    const int64_t first = out * tensor.size(1);
    for (size_t i = 0; i < in; ++i) channel[i] = tensor.at(first + static_cast<int64_t>(i));
    rounding == Rounding::kInt4 ? round_channel_int4(channel) : round_channel_int8(channel);
    std::memcpy(to.data() + static_cast<size_t>(out) * in * sizeof(float), channel.data(),
                in * sizeof(float));
  }
}

// A table's functions carry no state, so there is one for each table that a build may have.
template <size_t kTable>
void linear_of_int8_rows(const LinearArgs& args, ThreadPool& pool) {
  const Kernels& table = *kernel_tables()[kTable].kernels;
  if (args.weight.format() != WeightFormat::kF32) return table.linear(args, pool);
  const auto in = static_cast<size_t>(args.weight.in());
  std::vector<float> rounded(args.input, args.input + static_cast<size_t>(args.rows) * in);
  pool.run(args.rows, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      round_channel_int8(std::span(rounded).subspan(static_cast<size_t>(row) * in, in));
    }
  });
  LinearArgs of_rounded = args;
  of_rounded.input = rounded.data();
  table.linear(of_rounded, pool);
}

using Linear = void (*)(const LinearArgs&, ThreadPool&);

template <size_t... kTables>
constexpr std::array<Linear, sizeof...(kTables)> linears(std::index_sequence<kTables...>) {
  return {linear_of_int8_rows<kTables>...};
}
constexpr auto kLinears = linears(std::make_index_sequence<8>());

}  // namespace

std::string_view name_of(Rounding rounding) {
  for (const auto& [value, name] : kNames) {
    if (value == rounding) return name;
  }
  KT_CHECK(false, "a rounding without a name");
  return {};
}

std::optional<Rounding> rounding_named(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

void round_channel_int4(std::span<float> weights) {
  for (size_t at = 0; at < weights.size(); at += kGroup) {
    round_group_int4(weights.subspan(at, std::min(kGroup, weights.size() - at)));
  }
}

void round_channel_int8(std::span<float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  const float scale = largest / 127.0f;
  if (scale == 0) return;
  for (float& value : values) value = std::nearbyint(value / scale) * scale;
}

Result<std::unique_ptr<WeightSource>> rounded_weights(const WeightSource& weights,
                                                      Rounding rounding) {
  std::vector<TensorShape> shapes;
  for (const std::string& name : weights.names()) {
    KT_TRY(const Tensor tensor, require_tensor(weights, name));
    if (rounding == Rounding::kInt8 && tensor.dtype == DType::kF32 && tensor.rank == 2) {
      return Error{ErrorCode::kUnsupported,
                   weights.where() + ": " + name +
                       " is float32: rounding to int8 is for models stored in 16 bits",
                   {}};
    }
    const bool linear = is_linear(name, tensor);
    shapes.push_back({name,
                      {tensor.sizes.begin(), tensor.sizes.begin() + tensor.rank},
                      linear ? DType::kF32 : tensor.dtype});
  }
  KT_TRY(auto made, MadeWeights::reserve(shapes, weights.where() + ", rounded to " +
                                                     std::string(name_of(rounding))));
  for (const TensorShape& shape : shapes) {
    const Tensor tensor = *weights.find(shape.name);
    const std::span<std::byte> to = made->bytes(shape.name);
    if (is_linear(shape.name, tensor)) {
      round_linear(tensor, rounding, to);
    } else {
      std::memcpy(to.data(), tensor.data, tensor.bytes());
    }
  }
  return std::unique_ptr<WeightSource>(std::move(made));
}

Kernels rounded_kernels(const Kernels& table, Rounding rounding) {
  Kernels out = table;
  if (rounding != Rounding::kInt8) return out;
  const auto tables = kernel_tables();
  const auto at = std::find_if(tables.begin(), tables.end(), [&](const KernelTable& row) {
    return row.kernels->name == table.name;
  });
  KT_CHECK(at != tables.end(), "a table of this build");
  const auto index = static_cast<size_t>(at - tables.begin());
  KT_CHECK_LT(index, kLinears.size());
  out.linear = kLinears[index];
  return out;
}

}  // namespace kilotoken
