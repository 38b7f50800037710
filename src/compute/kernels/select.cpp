#include "compute/kernels/select.h"

#include <cpuid.h>

#include <array>

#include "compute/kernels/cpu/table.h"

namespace kilotoken {

namespace {

// CPUID leaves and bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A,
// "CPUID"; XCR0: volume 1, section 13.3.
struct CpuidRegisters {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuidRegisters cpuid(uint32_t leaf) {
  CpuidRegisters registers;
  __get_cpuid_count(leaf, 0, &registers.eax, &registers.ebx, &registers.ecx, &registers.edx);
  return registers;
}

// Whether the operating system saves the 256-bit registers of a thread.
bool os_saves_ymm(uint32_t leaf1_ecx) {
  if ((leaf1_ecx & bit_OSXSAVE) == 0) return false;
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 6u) == 6u;  // SSE and AVX state
}

// The first feature of the avx2 table that is missing here, or empty.
std::string_view avx2_lacks() {
  const uint32_t leaf1_ecx = cpuid(1).ecx;
  if (!os_saves_ymm(leaf1_ecx)) return "an operating system that saves AVX registers";
  if ((cpuid(7).ebx & bit_AVX2) == 0) return "AVX2";
  if ((leaf1_ecx & bit_FMA) == 0) return "FMA";
  if ((leaf1_ecx & bit_F16C) == 0) return "F16C";
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
