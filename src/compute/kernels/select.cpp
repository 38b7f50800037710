#include "compute/kernels/select.h"

#include <array>

#include "compute/kernels/cpu/features.h"
#include "compute/kernels/cpu/table.h"

namespace kilotoken {

namespace {

// The first feature of the avx2 table that is missing here, or empty.
std::string_view avx2_lacks() {
  const cpu::Features& has = cpu::features();
  if (!has.avx_state) return "an operating system that saves AVX registers";
  if (!has.avx2) return "AVX2";
  if (!has.fma) return "FMA";
  if (!has.f16c) return "F16C";
  return {};
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
  static const Kernels kAvx2 = cpu::table_of<cpu::kAvx2Ops>("avx2");
  static const std::string_view kAvx2Lacks = avx2_lacks();
  static const std::array<KernelTable, 2> kTables{{
      {&reference_kernels(), true, "any CPU", {}},
      {&kAvx2, kAvx2Lacks.empty(), "AVX2, FMA and F16C", kAvx2Lacks},
  }};
  return kTables;
}

Result<const Kernels*> select_kernels(std::span<const KernelTable> tables,
                                      std::string_view forced) {
  const KernelTable* best = nullptr;
  for (const KernelTable& table : tables) {
    if (forced.empty()) {
      if (table.runs_here) best = &table;
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
