// Register loops. They are assembly, so that one build for any CPU holds all of them and no
// compiler rearranges them. Registers past 15 are not named to the compiler, which has no use for
// them in code for any CPU.

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/clock.h"
#include "ceiling/ceiling.h"
#include "compute/kernels/cpu/features.h"

namespace kilotoken::bench {
namespace {

#define KT_REGISTERS                                                                       \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory"

// Sums of all loops start at zero and stay there: the operands are zero as well, which costs a
// multiplier what any others cost.
#define KT_LOOP(body)                                                 \
  asm volatile("vzeroall\n1:\n\t" body "dec %0\n\tjnz 1b\n\tvzeroall" \
               : "+r"(loops)                                          \
               :                                                      \
               : KT_REGISTERS)

#define KT_12(op, r, rest)                                                                   \
  op " " rest r "0\n\t" op " " rest r "1\n\t" op " " rest r "2\n\t" op " " rest r "3\n\t" op \
     " " rest r "4\n\t" op " " rest r "5\n\t" op " " rest r "6\n\t" op " " rest r "7\n\t" op \
     " " rest r "8\n\t" op " " rest r "9\n\t" op " " rest r "10\n\t" op " " rest r "11\n\t"
#define KT_12_HIGH(op, r, rest)                                                                  \
  op " " rest r "16\n\t" op " " rest r "17\n\t" op " " rest r "18\n\t" op " " rest r "19\n\t" op \
     " " rest r "20\n\t" op " " rest r "21\n\t" op " " rest r "22\n\t" op " " rest r "23\n\t" op \
     " " rest r "24\n\t" op " " rest r "25\n\t" op " " rest r "26\n\t" op " " rest r "27\n\t"

void fma_ymm(long loops) { KT_LOOP(KT_12("vfmadd231ps", "%%ymm", "%%ymm14, %%ymm15, ")); }

void fma_zmm(long loops) {
  KT_LOOP(KT_12("vfmadd231ps", "%%zmm", "%%zmm14, %%zmm15, ")
              KT_12_HIGH("vfmadd231ps", "%%zmm", "%%zmm14, %%zmm15, "));
}

void bf16_zmm(long loops) {
  KT_LOOP(KT_12("vdpbf16ps", "%%zmm", "%%zmm14, %%zmm15, ")
              KT_12_HIGH("vdpbf16ps", "%%zmm", "%%zmm14, %%zmm15, "));
}

void int8_zmm(long loops) {
  KT_LOOP(KT_12("vpdpbusd", "%%zmm", "%%zmm14, %%zmm15, ")
              KT_12_HIGH("vpdpbusd", "%%zmm", "%%zmm14, %%zmm15, "));
}

void int8_ymm_vnni(long loops) {
  KT_LOOP(KT_12("%{vex%} vpdpbusd", "%%ymm", "%%ymm14, %%ymm15, "));
}

#define KT_MADD(sum, a, b)                                                           \
  "vpmaddubsw %%ymm14, %%ymm15, %%ymm" a "\n\tvpmaddwd %%ymm13, %%ymm" a ", %%ymm" b \
  "\n\tvpaddd %%ymm" b ", %%ymm" sum ", %%ymm" sum "\n\t"

void int8_ymm(long loops) {
  KT_LOOP(KT_MADD("0", "8", "8") KT_MADD("1", "9", "9") KT_MADD("2", "10", "10")
              KT_MADD("3", "11", "11") KT_MADD("4", "12", "12") KT_MADD("5", "8", "8")
                  KT_MADD("6", "9", "9") KT_MADD("7", "10", "10"));
}

// Eight tiles of 16 rows of 64 bytes (palette 1).
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

#define KT_TILES(op)                                                                 \
  asm volatile(                                                                      \
      "ldtilecfg %1\n\t"                                                             \
      "tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3\n\t" \
      "tilezero %%tmm4\n\ttilezero %%tmm5\n\ttilezero %%tmm6\n\ttilezero %%tmm7\n\t" \
      "1:\n\t" op " %%tmm6, %%tmm4, %%tmm0\n\t" op " %%tmm7, %%tmm4, %%tmm1\n\t" op  \
      " %%tmm6, %%tmm5, %%tmm2\n\t" op                                               \
      " %%tmm7, %%tmm5, %%tmm3\n\t"                                                  \
      "dec %0\n\tjnz 1b\n\ttilerelease"                                              \
      : "+r"(loops)                                                                  \
      : "m"(config)                                                                  \
      : "cc", "memory")

void bf16_tiles(long loops) {
  const TileConfig config;
  KT_TILES("tdpbf16ps");
}

void int8_tiles(long loops) {
  const TileConfig config;
  KT_TILES("tdpbssd");
}

}  // namespace

std::span<const Instruction> instructions() {
  static const auto kAll = [] {
    const cpu::Features& has = cpu::features();
    const bool amx = has.amx_tile && cpu::allow_amx();
    return std::array<Instruction, 8>{{
        {"vfmadd231ps ymm", "float32", 12 * 16.0, has.fma, fma_ymm},
        {"vfmadd231ps zmm", "float32", 24 * 32.0, has.avx512f, fma_zmm},
        {"vdpbf16ps zmm", "bfloat16", 24 * 64.0, has.avx512_bf16, bf16_zmm},
        {"tdpbf16ps", "bfloat16", 4 * 16384.0, amx && has.amx_bf16, bf16_tiles},
        {"vpmaddubsw+vpmaddwd+vpaddd ymm", "int8", 8 * 64.0, has.avx2, int8_ymm},
        {"vpdpbusd ymm", "int8", 12 * 64.0, has.avx_vnni, int8_ymm_vnni},
        {"vpdpbusd zmm", "int8", 24 * 128.0, has.avx512_vnni, int8_zmm},
        {"tdpbssd", "int8", 4 * 32768.0, amx && has.amx_int8, int8_tiles},
    }};
  }();
  return kAll;
}

double operations_per_s(const Instruction& instruction, ThreadPool& pool, int tries) {
  constexpr int64_t kTryNs = 8'000'000;
  constexpr int kPieces = 8;
  const SystemClock clock;
  long loops = 1000;
  double best = 0;
  for (int done_tries = 0; done_tries < tries;) {
    const int64_t begin = clock.now_ns();
    // More pieces than threads: who runs faster does more.
    pool.run(kPieces * pool.size(), 1, [&](int, int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) instruction.run(loops);
    });
    const int64_t ns = clock.now_ns() - begin;
    if (ns < kTryNs) {
      loops *= 2;
      continue;
    }
    const double done = static_cast<double>(loops) * kPieces * pool.size();
    best = std::max(best, done * instruction.operations * 1e9 / static_cast<double>(ns));
    ++done_tries;
  }
  return best;
}

const Instruction* best_instruction(std::string_view kind, std::string_view table) {
  // What each table's arithmetic may use; a bfloat16 weight without bfloat16 instructions is
  // multiplied as float32.
  const auto of_table = [&](std::string_view name) {
    if (table == "amx") return true;
    const bool zmm = name.find("zmm") != std::string_view::npos;
    const bool ymm = name.find("ymm") != std::string_view::npos;
    return table == "avx512" ? zmm || ymm : ymm && name != "vpdpbusd ymm";
  };
  const Instruction* best = nullptr;
  for (const Instruction& each : instructions()) {
    if (each.here && each.kind == kind && of_table(each.name)) best = &each;
  }
  if (best == nullptr && kind == "bfloat16") return best_instruction("float32", table);
  return best;
}

}  // namespace kilotoken::bench
