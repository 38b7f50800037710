#include "compute/kernels/select.h"

#include <array>

#include "compute/kernels/cpu/features.h"
#include "compute/kernels/cpu/table.h"

namespace kilotoken {

namespace {

// The first feature of a table that is missing here, or empty.
std::string_view avx2_lacks() {
  const cpu::Features& has = cpu::features();
  if (!has.avx_state) return "an operating system that saves AVX registers";
  if (!has.avx2) return "AVX2";
  if (!has.fma) return "FMA";
  if (!has.f16c) return "F16C";
  return {};
}

std::string_view avx512_lacks() {
  const cpu::Features& has = cpu::features();
  if (const std::string_view lacks = avx2_lacks(); !lacks.empty()) return lacks;
  if (!has.avx512_state) return "an operating system that saves AVX-512 registers";
  if (!has.avx512f) return "AVX512F";
  if (!has.avx512bw) return "AVX512BW";
  if (!has.avx512dq) return "AVX512DQ";
  if (!has.avx512vl) return "AVX512VL";
  if (!has.avx512_vnni) return "AVX512_VNNI";
  return {};
}

std::string_view amx_lacks() {
  const cpu::Features& has = cpu::features();
  if (const std::string_view lacks = avx512_lacks(); !lacks.empty()) return lacks;
  if (!has.amx_tile) return "AMX_TILE";
  if (!has.amx_bf16) return "AMX_BF16";
  if (!has.amx_int8) return "AMX_INT8";
  if (!has.amx_state || !cpu::allow_amx()) return "an operating system that allows tile registers";
  return {};
}

KernelTable row(const Kernels& kernels, std::string_view needs, std::string_view lacks,
                bool emulated = false) {
  return {&kernels, lacks.empty(), needs, lacks, emulated};
}

std::string names_of(std::span<const KernelTable> tables) {
  std::string names;
  for (const KernelTable& table : tables) {
    if (!names.empty()) names += ", ";
    names += table.kernels->name;
    if (!table.runs_here) names += " (not on this CPU)";
  }
  return names;
}

}  // namespace

std::span<const KernelTable> kernel_tables() {
  using namespace cpu;
  // Without AVX512_BF16 its arithmetic is done by FMAs: one table, the same bits.
  static const Kernels kAvx512 =
      features().avx512_bf16 ? table_of<kAvx2Ops, kAvx512LinearOps, kAvx512Bf16Ops>("avx512", true)
                             : table_of<kAvx2Ops, kAvx512LinearOps, kAvx512Ops>("avx512", true);
  static const Kernels kAvx2 =
      table_of<kAvx2Ops, kAvx2LinearOps, kAvx512EmulatedOps>("avx2", false);
  static const Kernels kAvx512Emulated =
      table_of<kAvx2Ops, kAvx512EmulatedLinearOps, kAvx512EmulatedOps>("avx512-emulated", true);
  static const Kernels kAmxEmulated =
      table_of<kAvx2Ops, kAvx512EmulatedLinearOps, kAmxEmulatedOps>("amx-emulated", true);
  static const Kernels kAmx = table_of<kAvx2Ops, kAvx512LinearOps, kAmxOps>("amx", true);
  constexpr std::string_view kAvx2Needs = "AVX2, FMA and F16C";
  static const std::array<KernelTable, 6> kTables{
      row(reference_kernels(), "any CPU", {}),
      row(kAvx512Emulated, kAvx2Needs, avx2_lacks(), /*emulated=*/true),
      row(kAmxEmulated, kAvx2Needs, avx2_lacks(), /*emulated=*/true),
      row(kAvx2, kAvx2Needs, avx2_lacks()),
      row(kAvx512, "AVX-512 (F, BW, DQ, VL and VNNI)", avx512_lacks()),
      row(kAmx, "AVX-512 and AMX (TILE, BF16 and INT8)", amx_lacks())};
  return kTables;
}

Result<const Kernels*> select_kernels(std::span<const KernelTable> tables,
                                      std::string_view forced) {
  const KernelTable* best = nullptr;
  for (const KernelTable& table : tables) {
    if (forced.empty()) {
      if (table.runs_here && !table.emulated) best = &table;
    } else if (table.kernels->name == forced) {
      best = &table;
    }
  }
  if (best == nullptr) {
    return invalid("KILOTOKEN_ISA: no kernel table is named \"" + std::string(forced) +
                   "\"; choose one of: " + names_of(tables));
  }
  if (!best->runs_here) {
    return Error{ErrorCode::kUnsupported,
                 "KILOTOKEN_ISA: the kernel table \"" + std::string(forced) + "\" needs " +
                     std::string(best->needs) + ", and this machine lacks " +
                     std::string(best->lacks) + "; choose one of: " + names_of(tables),
                 {}};
  }
  return best->kernels;
}

Result<const Kernels*> select_kernels(std::string_view forced) {
  return select_kernels(kernel_tables(), forced);
}

}  // namespace kilotoken
