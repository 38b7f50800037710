#include "model/weights/gguf_blocks.h"

#include <cstring>

#include "compute/tensor/dtype.h"

namespace kilotoken {

// Number i is in half i / 128 and there in quarter i / 32 % 4. Two quarters share the low bits'
// bytes, all four the high bits'. Scale times code has 23 bits: the product is exact in any order.
void decode_q6_k(const std::byte* block, float* to) {
  constexpr int kNumbers = 256, kHalf = 128, kQuarter = 32, kScaled = 16;
  const std::byte* const low = block;
  const std::byte* const high = low + kNumbers / 2;
  const std::byte* const scales = high + kNumbers / 4;
  Half scale_bits;
  std::memcpy(&scale_bits, scales + kNumbers / kScaled, sizeof scale_bits);
  const float scale = to_float(scale_bits);
  for (int i = 0; i < kNumbers; ++i) {
    const int half = i / kHalf, quarter = i % kHalf / kQuarter, at = i % kQuarter;
    const std::byte low_bits = low[64 * half + kQuarter * (quarter % 2) + at] >> (quarter / 2 * 4);
    const std::byte high_bits = high[kQuarter * half + at] >> (quarter * 2);
    const int code = (static_cast<int>(low_bits) & 15) | (static_cast<int>(high_bits) & 3) << 4;
    const auto group_scale = static_cast<int8_t>(scales[i / kScaled]);
    to[i] = scale * static_cast<float>(group_scale) * static_cast<float>(code - 32);
  }
}

}  // namespace kilotoken
