// How fast each table's linear is on this machine: GFLOP/s, and weight bytes per second beside what
// the machine reads from memory. Usage: linear_speed [threads]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "compute/kernels/kernels.h"

namespace kilotoken {
namespace {

constexpr int64_t kIn = 1024, kOut = 2816;
constexpr int64_t kWeightBytes = int64_t{192} << 20;  // more than any cache here holds
constexpr int kRepeats = 5;

// The best of several runs, in seconds.
template <typename Body>
double best_seconds(Body&& body) {
  const SystemClock clock;
  double best = 1e9;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const int64_t begin = clock.now_ns();
    body();
    best = std::min(best, static_cast<double>(clock.now_ns() - begin) * 1e-9);
  }
  return best;
}

double read_gigabytes_per_s(const std::vector<uint64_t>& memory, ThreadPool& pool) {
  std::vector<uint64_t> sums(static_cast<size_t>(pool.size()) * 8);
  const auto count = static_cast<int64_t>(memory.size());
  const double seconds = best_seconds([&] {
    pool.run(count, 1 << 16, [&](int worker, int64_t begin, int64_t end) {
      uint64_t sum = 0;
      for (int64_t i = begin; i < end; ++i) sum += memory[static_cast<size_t>(i)];
      sums[static_cast<size_t>(worker) * 8] += sum;
    });
  });
  uint64_t total = 0;
  for (uint64_t sum : sums) total += sum;
  if (total == 1) std::puts("");  // the sums are used: the loop stays
  return static_cast<double>(count) * 8e-9 / seconds;
}

// Walks through a stack of matrices, as the layers of a model are walked, so that weights come from
// memory when there are few rows.
void measure(const KernelTable& table, DType dtype, int64_t rows,
             const std::vector<uint64_t>& memory, ThreadPool& pool) {
  const auto matrix_bytes = static_cast<size_t>(kIn * kOut) * size_of(dtype);
  const size_t matrices = rows > 16 ? 2 : memory.size() * 8 / matrix_bytes;
  const std::vector<float> input(static_cast<size_t>(rows * kIn), 0.5f);
  std::vector<float> output(static_cast<size_t>(rows * kOut));
  const auto* bytes = reinterpret_cast<const std::byte*>(memory.data());
  const double seconds = best_seconds([&] {
    for (size_t m = 0; m < matrices; ++m) {
      const Tensor weight(bytes + m * matrix_bytes, dtype, {kOut, kIn});
      table.kernels->linear({input.data(), weight, output.data(), rows}, pool);
    }
  });
  const double each = seconds / static_cast<double>(matrices);
  std::printf("%-10s %-9s %5ld rows %9.1f us %8.2f GFLOP/s %8.2f GB/s of weights\n",
              std::string(table.kernels->name).c_str(), std::string(name_of(dtype)).c_str(),
              static_cast<long>(rows), each * 1e6,
              static_cast<double>(2 * rows * kIn * kOut) / each * 1e-9,
              static_cast<double>(matrix_bytes) / each * 1e-9);
}

int run(int threads) {
  ThreadPool pool(threads);
  const std::vector<uint64_t> memory(kWeightBytes / 8, 0x3c003c003c003c00);
  std::printf("%d threads; memory read %.2f GB/s; weight [%ld, %ld]\n", threads,
              read_gigabytes_per_s(memory, pool), static_cast<long>(kOut), static_cast<long>(kIn));
  for (const KernelTable& table : kernel_tables()) {
    if (!table.runs_here) {
      std::printf("%s: not here, lacks %s\n", std::string(table.kernels->name).c_str(),
                  std::string(table.lacks).c_str());
      continue;
    }
    for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (int64_t rows : {1, 2, 3, 4, 16, 64, 512}) measure(table, dtype, rows, memory, pool);
    }
  }
  return 0;
}

}  // namespace
}  // namespace kilotoken

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : kilotoken::usable_cpu_count();
  if (threads < 1) {
    std::fputs("usage: linear_speed [threads], threads >= 1\n", stderr);
    return 1;
  }
  return kilotoken::run(threads);
}
