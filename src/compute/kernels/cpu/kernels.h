#pragma once
// The kernels of one instruction set, from the `Vec` of a vec_*.h included before this file.
// Included by exactly one source per instruction set.

#include "compute/kernels/cpu/attention.h"
#include "compute/kernels/cpu/linear.h"
#include "compute/kernels/cpu/ops.h"

namespace kilotoken::cpu {
namespace {

constexpr Ops kOps{
    .lanes = Vec::kLanes,
    .widen = widen,
    .attend = attend,
    .silu_multiply = silu_multiply,
};

}  // namespace
}  // namespace kilotoken::cpu
