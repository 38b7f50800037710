#pragma once
// What this CPU and its operating system offer to kernels. Never the model's name or number:
// virtual machines show false ones.

#include <string>
#include <string_view>

namespace kilotoken::cpu {

// A bit counts only if the operating system saves the registers that it needs.
struct Features {
  bool avx_state = false, avx2 = false, fma = false, f16c = false, avx_vnni = false;
  bool avx512_state = false, avx512f = false, avx512bw = false, avx512dq = false;
  bool avx512vl = false, avx512_vnni = false, avx512_bf16 = false;
  bool amx_state = false, amx_tile = false, amx_bf16 = false, amx_int8 = false;
};
const Features& features();

// Asks the operating system for the tile registers, which a process must do once before it uses
// them; false where it has none or refuses.
bool allow_amx();

// "AMD EPYC, family 23 model 1", as the CPU says it.
std::string cpu_name();

}  // namespace kilotoken::cpu
