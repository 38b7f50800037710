// How fast linears are on this machine, beside what limits them: bytes of weights a second and the
// memory's speed for few rows, operations a second and the instruction's own for many. Weights come
// from memory: they cycle through more than any cache holds. Before each pass the ceiling is
// measured again, since a virtual machine's neighbours come and go within seconds.
//
// usage: ./dev bench kernels [TABLE...] [FORMAT...] [--threads N] [--gib G] [--quick]
//   TABLE: kernel tables to measure; by default the best one. FORMAT: weight formats; by default
//   all. --quick: batch 1 and prefill 512 only

#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "base/stats.h"
#include "base/threads.h"
#include "ceiling/ceiling.h"
#include "ceiling/options.h"
#include "compute/kernels/kernels.h"

namespace kilotoken::bench {
namespace {

constexpr int64_t kIn = 4096, kOut = 14336;  // the widest matrix of an 8 B model
constexpr int kFewestPasses = 3, kMostPasses = 9;
constexpr int64_t kPassesNs = 4'000'000'000;  // of a line; the fewest passes may take longer
// Of which each pattern of reading takes the next part: third caches of hundreds of MiB keep some
// of what was read a moment ago.
constexpr size_t kReadBytes = size_t{4} << 30, kReadPart = size_t{1} << 29;

struct Format {
  const char* name;
  WeightFormat format;
  bool int8_activations;
  std::string_view vector_kind, tile_kind;  // of the peak that many rows are measured by
};
// On tiles, formats with a scale every 32 inputs are set beside the BF16 peak: half of each INT8
// product would be empty.
constexpr Format kFormats[] = {
    {"float32", WeightFormat::kF32, false, "float32", "float32"},
    {"float16", WeightFormat::kF16, false, "float32", "float32"},
    {"bfloat16", WeightFormat::kBF16, false, "bfloat16", "bfloat16"},
    {"int8", WeightFormat::kInt8, false, "int8", "int8"},
    {"int4, int8 rows", WeightFormat::kInt4, true, "int8", "int8"},
    {"int4, exact", WeightFormat::kInt4, false, "bfloat16", "bfloat16"},
    {"q8_0", WeightFormat::kQ8_0, false, "int8", "bfloat16"},
    {"q4_0", WeightFormat::kQ4_0, false, "int8", "bfloat16"},
};

// Numbers of a trained matrix's size, in the type that the format is made from.
std::vector<std::byte> stored_numbers(DType dtype) {
  constexpr size_t kPattern = 1 << 20;
  const auto count = static_cast<size_t>(kIn * kOut);
  std::vector<std::byte> bytes(count * size_of(dtype));
  for (size_t i = 0; i < kPattern; ++i) {
    const float value = 0.03f * static_cast<float>(2.0 * uniform_at(1, 0, i) - 1.0);
    store(bytes.data() + i * size_of(dtype), dtype, value);
  }
  const auto block = static_cast<std::ptrdiff_t>(kPattern * size_of(dtype));
  for (auto at = bytes.begin() + block; at < bytes.end(); at += std::min(block, bytes.end() - at)) {
    std::copy_n(bytes.begin(), std::min(block, bytes.end() - at), at);
  }
  return bytes;
}

// Enough copies of a matrix to fill so many bytes, each where a model's would lie.
struct Stack {
  std::vector<std::byte> stored;
  std::vector<Arena> copies;  // of plain numbers
  std::vector<Weight> weights;
};

Result<Stack> make_stack(const Kernels& kernels, const Format& format, size_t bytes,
                         ThreadPool& pool) {
  Stack stack;
  const DType dtype = format.format == WeightFormat::kF32   ? DType::kF32
                      : format.format == WeightFormat::kF16 ? DType::kF16
                                                            : DType::kBF16;
  stack.stored = stored_numbers(dtype);
  const Tensor stored(stack.stored.data(), dtype, {kOut, kIn});
  const bool plain = row_of(format.format).plain();
  const bool view = plain && (format.format != WeightFormat::kBF16 || !kernels.packs_bf16);
  for (size_t total = 0; total < bytes; total += stack.weights.back().bytes()) {
    if (!view) {
      KT_TRY(Weight packed, Weight::pack(stored, format.format, format.int8_activations, pool));
      stack.weights.push_back(std::move(packed));
      continue;
    }
    KT_TRY(Arena copy, Arena::reserve(stored.bytes()));
    std::copy(stack.stored.begin(), stack.stored.end(), copy.bytes().begin());
    stack.weights.push_back(Weight::view(Tensor(copy.bytes().data(), dtype, {kOut, kIn})));
    stack.copies.push_back(std::move(copy));
  }
  return stack;
}

// What the machine gives just now, by the pool that the kernels run on.
class Beside {
 public:
  static Result<Beside> start(ThreadPool& pool) {
    KT_TRY(Arena memory, touched_memory(kReadBytes, pool));
    return Beside(std::move(memory), pool);
  }
  // By the best pattern.
  double bytes_per_s() {
    double best = 0;
    for (const ReadPattern& pattern : read_patterns()) {
      best = std::max(best, read_once(memory_.bytes().subspan(next_, kReadPart), pattern, *pool_));
      next_ = (next_ + kReadPart) % kReadBytes;
    }
    return best * 1e9;
  }
  double operations_per_s(const Instruction& instruction) {
    return bench::operations_per_s(instruction, *pool_, 3);
  }

 private:
  Beside(Arena memory, ThreadPool& pool) : memory_(std::move(memory)), pool_(&pool) {}
  Arena memory_;
  size_t next_ = 0;
  ThreadPool* pool_;
};

// One line: several passes of a kernel, each with the ceiling before it.
struct Passes {
  double matrix_s = 1e9, ceiling = 0;  // the best of each
  std::vector<double> shares;          // of the ceiling just before

  // `work`: of a matrix, in the ceiling's unit.
  void add(double seconds, double work, double ceiling_now) {
    matrix_s = std::min(matrix_s, seconds);
    ceiling = std::max(ceiling, ceiling_now);
    shares.push_back(work / seconds / ceiling_now);
  }
};

// `rows` against `matrices` of the stack, several times.
template <typename Ceiling>
Passes run_passes(const Kernels& kernels, const Stack& stack, int64_t rows, size_t matrices,
                  double work, Ceiling ceiling, ThreadPool& pool) {
  Workspace inputs(static_cast<size_t>(rows * kIn) * sizeof(float));  // where a model's lie
  const std::span<float> input = inputs.take<float>(static_cast<size_t>(rows * kIn));
  for (size_t i = 0; i < input.size(); ++i) {
    input[i] = static_cast<float>(2.0 * uniform_at(2, 0, i % 100'003) - 1.0);
  }
  std::vector<float> output(static_cast<size_t>(rows * kOut));
  Workspace workspace(linear_scratch_bytes(rows, kIn));
  const SystemClock clock;
  const int64_t start = clock.now_ns();
  Passes passes;
  size_t next = 0;
  for (int pass = 0; pass < kMostPasses; ++pass) {
    if (pass >= kFewestPasses && clock.now_ns() - start > kPassesNs) break;
    const double ceiling_now = ceiling();
    const int64_t begin = clock.now_ns();
    for (size_t m = 0; m < matrices; ++m) {
      const Weight& weight = stack.weights[next++ % stack.weights.size()];
      kernels.linear({input.data(), weight, output.data(), rows, false, &workspace}, pool);
    }
    const double seconds = static_cast<double>(clock.now_ns() - begin) * 1e-9;
    passes.add(seconds / static_cast<double>(matrices), work, ceiling_now);
  }
  return passes;
}

void say(const Kernels& kernels, const Format& format, const char* regime, const Passes& passes,
         double work, double unit, const char* unit_name) {
  const double value = work / passes.matrix_s;
  std::printf("%-10s %-16s %-13s %9.0f us %8.2f %-7s of %8.2f  %3.0f %%   %3.0f %%\n",
              std::string(kernels.name).c_str(), format.name, regime, passes.matrix_s * 1e6,
              value * unit, unit_name, passes.ceiling * unit, 100 * value / passes.ceiling,
              100 * median_of(passes.shares));
  std::fflush(stdout);
}

struct Regime {
  const char* name;
  int64_t rows;
  size_t matrices;  // of a pass; 0: all
  bool quick;
};
constexpr Regime kRegimes[] = {{"batch 1", 1, 0, true},
                               {"batch 16", 16, 0, false},
                               {"prefill 512", 512, 3, true},
                               {"prefill 2048", 2048, 1, false}};

Result<void> measure(const Kernels& kernels, const Format& format, size_t bytes, bool quick,
                     Beside& beside, ThreadPool& pool) {
  KT_TRY(const Stack stack, make_stack(kernels, format, bytes, pool));
  const auto weight_bytes = static_cast<double>(stack.weights.front().bytes());
  const bool tiles = kernels.name.starts_with("amx");
  const Instruction* peak =
      best_instruction(tiles ? format.tile_kind : format.vector_kind, kernels.name);
  for (const Regime& regime : kRegimes) {
    if (quick && !regime.quick) continue;
    if (regime.rows <= 16) {
      const Passes passes = run_passes(
          kernels, stack, regime.rows, stack.weights.size(), weight_bytes,
          [&] { return beside.bytes_per_s(); }, pool);
      say(kernels, format, regime.name, passes, weight_bytes, 1e-9, "GB/s");
    } else if (peak != nullptr) {
      const double operations = 2.0 * static_cast<double>(regime.rows * kIn * kOut);
      const Passes passes = run_passes(
          kernels, stack, regime.rows, regime.matrices, operations,
          [&] { return beside.operations_per_s(*peak); }, pool);
      say(kernels, format, regime.name, passes, operations, 1e-12, "TOP/s");
    }
  }
  return {};
}

Result<void> run(int argc, char** argv) {
  int threads = usable_cpu_count(), gib = 3;
  bool quick = false;
  const Option options[] = {{"--threads", &threads}, {"--gib", &gib}, {"--quick", nullptr, &quick}};
  KT_TRY(std::vector<std::string> words, parse_options(argc, argv, options));
  std::vector<Format> formats;
  for (const Format& format : kFormats) {
    if (std::erase(words, format.name) > 0) formats.push_back(format);
  }
  if (formats.empty()) formats.assign(std::begin(kFormats), std::end(kFormats));
  if (words.empty()) {
    KT_TRY(const Kernels* best, select_kernels(""));
    words.emplace_back(best->name);
  }
  const size_t bytes = static_cast<size_t>(gib) << 30;
  KT_TRY(const Ceilings ceilings, measure_ceilings(threads, bytes));
  std::puts(text_of(ceilings).c_str());
  std::printf("weights [%ld, %ld], %d GiB of them\n", static_cast<long>(kOut),
              static_cast<long>(kIn), gib);
  std::puts(
      "the best pass, the best ceiling beside it, its share; and of all passes the median "
      "share of the ceiling just before");
  ThreadPool pool(threads, ThreadPool::Pinning::kWorkers);
  KT_TRY(Beside beside, Beside::start(pool));
  for (const std::string& word : words) {
    KT_TRY(const Kernels* kernels, select_kernels(word));
    for (const Format& format : formats) {
      KT_TRY_VOID(measure(*kernels, format, bytes, quick, beside, pool));
    }
  }
  return {};
}

}  // namespace
}  // namespace kilotoken::bench

int main(int argc, char** argv) {
  return kilotoken::bench::exit_status(kilotoken::bench::run(argc, argv), "bench kernels");
}
