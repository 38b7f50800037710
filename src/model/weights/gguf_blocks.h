#pragma once
// Blocks of numbers that no kernel computes with, written out as float32: exactly what they say.

#include <cstddef>

namespace kilotoken {

// 256 numbers of 210 bytes: 4 low bits of each code, 2 high bits, 16 scales of a byte, one of
// float16 (https://github.com/ggml-org/ggml, block_q6_K of ggml-common.h).
void decode_q6_k(const std::byte* block, float* to);

}  // namespace kilotoken
