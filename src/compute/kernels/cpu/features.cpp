#include "compute/kernels/cpu/features.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace kilotoken::cpu {
namespace {

// CPUID leaves and bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A,
// "CPUID"; XCR0: volume 1, sections 13.3 and 18.2.
struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Registers registers;
  __get_cpuid_count(leaf, subleaf, &registers.eax, &registers.ebx, &registers.ecx, &registers.edx);
  return registers;
}

constexpr bool bit(uint32_t word, int index) { return (word >> index & 1) != 0; }

// Which register states the operating system saves for a thread.
uint32_t saved_states(const Registers& leaf1) {
  if ((leaf1.ecx & bit_OSXSAVE) == 0) return 0;
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

constexpr uint32_t kYmmStates = 0x6, kZmmStates = 0xe6, kTileStates = 0x60000;

Features read_features() {
  const Registers leaf1 = cpuid(1), leaf7 = cpuid(7), leaf7_1 = cpuid(7, 1);
  const uint32_t states = saved_states(leaf1);
  Features found;
  found.avx_state = (states & kYmmStates) == kYmmStates;
  if (found.avx_state) {
    found.avx2 = bit(leaf7.ebx, 5);
    found.fma = bit(leaf1.ecx, 12);
    found.f16c = bit(leaf1.ecx, 29);
    found.avx_vnni = bit(leaf7_1.eax, 4);
  }
  found.avx512_state = (states & kZmmStates) == kZmmStates;
  if (found.avx512_state) {
    found.avx512f = bit(leaf7.ebx, 16);
    found.avx512dq = bit(leaf7.ebx, 17);
    found.avx512bw = bit(leaf7.ebx, 30);
    found.avx512vl = bit(leaf7.ebx, 31);
    found.avx512_vnni = bit(leaf7.ecx, 11);
    found.avx512_bf16 = bit(leaf7_1.eax, 5);
  }
  found.amx_state = (states & kTileStates) == kTileStates;
  if (found.amx_state) {
    found.amx_bf16 = bit(leaf7.edx, 22);
    found.amx_tile = bit(leaf7.edx, 24);
    found.amx_int8 = bit(leaf7.edx, 25);
  }
  return found;
}

}  // namespace

const Features& features() {
  static const Features kFound = read_features();
  return kFound;
}

bool allow_amx() {
  if (!features().amx_tile) return false;
  // Linux, Documentation/arch/x86/xstate.rst: arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA).
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  static const bool kAllowed = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return kAllowed;
}

std::string cpu_name() {
  const Registers leaf1 = cpuid(1);
  uint32_t family = leaf1.eax >> 8 & 0xf, model = leaf1.eax >> 4 & 0xf;
  if (family == 6 || family == 15) model |= leaf1.eax >> 12 & 0xf0;
  if (family == 15) family += leaf1.eax >> 20 & 0xff;
  std::array<char, 49> brand{};
  if (cpuid(0x80000000).eax >= 0x80000004) {
    for (uint32_t part = 0; part < 3; ++part) {
      const Registers words = cpuid(0x80000002 + part);
      std::memcpy(brand.data() + 16 * part, &words, 16);
    }
  }
  std::string name(brand.data());
  while (!name.empty() && name.back() == ' ') name.pop_back();
  if (name.empty()) name = "unnamed CPU";
  return name + ", family " + std::to_string(family) + " model " + std::to_string(model);
}

}  // namespace kilotoken::cpu
