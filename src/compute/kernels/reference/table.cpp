#include "compute/kernels/reference/reference.h"

namespace kilotoken {

const Kernels& reference_kernels() {
  static constexpr Kernels kTable{
      .name = "reference",
      .packs_bf16 = false,
      .linear = reference::linear,
      .rms_norm = reference::rms_norm,
      .rope = reference::rope,
      .kv_write = reference::kv_write,
      .attention = reference::attention,
      .silu_multiply = reference::silu_multiply,
      .embed = reference::embed,
  };
  return kTable;
}

}  // namespace kilotoken
