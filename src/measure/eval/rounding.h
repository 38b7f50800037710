#pragma once
// What a number format would cost, before there is a kernel for it: weights are rounded to the
// format's grid and given back as float32, and where the format rounds activations too, the input
// rows of a linear are rounded before the float32 kernel multiplies them. So the error is the
// format's rounding, and none of a particular kernel's.
//
// Rounded are the linears of attention and MLP. The embedding, the head (the embedding's own
// tensor when tied) and the norms stay as they are stored, as quantised checkpoints have it.

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "compute/kernels/kernels.h"
#include "model/weights/weight_source.h"

namespace kilotoken {

enum class Rounding {
  kNone,
  // Weights to 4 bits, round to nearest, in groups of 128 along the input (the last may be
  // shorter): scale = (max - min) / 15 of the group with 0, as float16; zero point 0 .. 15.
  kInt4,
  // Weights to 8 bits, symmetric: scale = largest magnitude of the output channel / 127.
  // Activations the same way, per token, before each linear.
  kInt8,
};

std::string_view name_of(Rounding rounding);  // "none", "int4", "int8"
std::optional<Rounding> rounding_named(std::string_view name);

// [count] weights, one output channel, in place.
void round_channel_int4(std::span<float> weights);
void round_channel_int8(std::span<float> weights);  // a token's activations, too

// A copy whose linears are float32 numbers on the format's grid. kUnsupported for kInt8 of float32
// weights, where a linear and the head would look alike to rounded_kernels().
Result<std::unique_ptr<WeightSource>> rounded_weights(const WeightSource& weights,
                                                      Rounding rounding);

// A copy of `table`. With kInt8, `linear` rounds its input rows where the weight is float32, which
// in rounded_weights() are the rounded ones.
Kernels rounded_kernels(const Kernels& table, Rounding rounding);

}  // namespace kilotoken
