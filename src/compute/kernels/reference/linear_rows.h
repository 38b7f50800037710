#pragma once
// What the two reference linears share.

#include "compute/kernels/kernels.h"

namespace kilotoken::reference {

// Four rows side by side. Spelled out, because compilers given a plain loop may choose to vectorise
// along the sum instead, which in a fixed order is many times slower.
using FourRows [[gnu::vector_size(16)]] = float;

inline void store(const LinearArgs& args, int64_t row, int64_t output, float sum) {
  float& to = args.output[row * args.weight.out() + output];
  to = args.accumulate ? to + sum : sum;
}

}  // namespace kilotoken::reference
