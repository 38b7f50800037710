#pragma once
// The limits of this machine, measured: what every speed of the benchmarks is set beside. Memory is
// read by the best of several patterns; instructions run on registers alone.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "compute/tensor/arena.h"

namespace kilotoken::bench {

// How memory is read: so many streams side by side in each piece, so far prefetched (0: not).
struct ReadPattern {
  int streams = 1, prefetch_bytes = 0;
};
struct ReadSpeed {
  double gb_s = 0;  // 1e9 bytes a second
  ReadPattern pattern;
};

// Memory in huge pages where there are any, written once by the worker that reads it.
Result<Arena> touched_memory(size_t bytes, ThreadPool& pool);
std::span<const ReadPattern> read_patterns();
// One pass by parts of 512 MiB, the fastest of which counts; and the best of all patterns.
double read_once(std::span<const std::byte> memory, ReadPattern pattern, ThreadPool& pool);
ReadSpeed best_read(std::span<const std::byte> memory, ThreadPool& pool);

// An instruction, or the few that make one step of an arithmetic, on register operands.
struct Instruction {
  std::string_view name;  // "vdpbf16ps zmm"
  std::string_view kind;  // "float32", "bfloat16", "int8": what it multiplies
  double operations;      // of one loop of `run`: additions and multiplications
  bool here;              // whether this CPU has it
  void (*run)(long loops);
};
std::span<const Instruction> instructions();
// Operations a second on all threads of the pool at once, the best of several tries of 8 ms.
double operations_per_s(const Instruction& instruction, ThreadPool& pool, int tries = 25);
// The best instruction of a kind that a kernel table's arithmetic uses ("avx2", "avx512", "amx",
// and of "reference" what avx2 has); nullptr where it has none here.
const Instruction* best_instruction(std::string_view kind, std::string_view table);

// One way from core to core, in nanoseconds: the least of many. Machines whose cores are now near,
// now far are known by it. Empty with one CPU.
std::optional<double> core_to_core_ns();

struct Peak {
  const Instruction* instruction;
  double one_thread, all_threads;  // operations a second
};
struct Ceilings {
  std::string cpu;  // with the number of CPUs
  int threads = 0;
  bool huge_pages = false;
  size_t read_bytes = 0;
  ReadSpeed read_one, read_all;
  std::vector<Peak> peaks;
  std::optional<double> core_to_core_ns;
  std::string disturbed;  // why this run does not count; empty if it does
};

// All of the above, compared with what this CPU gave before (bench/ceiling/known.txt).
Result<Ceilings> measure_ceilings(int threads, size_t bytes);
std::string text_of(const Ceilings& ceilings);
std::string json_of(const Ceilings& ceilings);

}  // namespace kilotoken::bench
