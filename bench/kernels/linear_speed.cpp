// How fast linears are on this machine, beside what limits them: bytes of weights a second and the
// memory's speed for few rows, operations a second and the instruction's own for many. Weights come
// from memory: they cycle through more than any cache holds.
//
// usage: ./dev bench kernels [TABLE...] [FORMAT...] [--threads N] [--gib G] [--quick]
//   TABLE: kernel tables to measure; by default the best one. FORMAT: weight formats; by default
//   all. --quick: batch 1 and prefill 512 only

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "base/threads.h"
#include "ceiling/ceiling.h"
#include "ceiling/options.h"
#include "compute/kernels/kernels.h"

namespace kilotoken::bench {
namespace {

constexpr int64_t kIn = 4096, kOut = 14336;  // the widest matrix of an 8 B model
constexpr int kRepeats = 5;

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

// Seconds of one matrix, the best of several passes over `matrices` of them.
double seconds_each(const Kernels& kernels, const Stack& stack, int64_t rows, size_t matrices,
                    ThreadPool& pool) {
  Workspace inputs(static_cast<size_t>(rows * kIn) * sizeof(float));  // where a model's lie
  const std::span<float> input = inputs.take<float>(static_cast<size_t>(rows * kIn));
  for (size_t i = 0; i < input.size(); ++i) {
    input[i] = static_cast<float>(2.0 * uniform_at(2, 0, i % 100'003) - 1.0);
  }
  std::vector<float> output(static_cast<size_t>(rows * kOut));
  Workspace workspace(linear_scratch_bytes(rows, kIn));
  const SystemClock clock;
  double best = 1e9;
  size_t next = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const int64_t begin = clock.now_ns();
    for (size_t m = 0; m < matrices; ++m) {
      const Weight& weight = stack.weights[next++ % stack.weights.size()];
      kernels.linear({input.data(), weight, output.data(), rows, false, &workspace}, pool);
    }
    best = std::min(best, static_cast<double>(clock.now_ns() - begin) * 1e-9);
  }
  return best / static_cast<double>(matrices);
}

void say(const Kernels& kernels, const Format& format, const char* regime, double each,
         double value, const char* unit, double ceiling) {
  std::printf("%-10s %-16s %-13s %9.0f us %8.2f %-7s of %8.2f  %3.0f %%\n",
              std::string(kernels.name).c_str(), format.name, regime, each * 1e6, value, unit,
              ceiling, ceiling > 0 ? 100 * value / ceiling : 0.0);
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

Result<void> measure(const Kernels& kernels, const Format& format, const Ceilings& ceilings,
                     size_t bytes, bool quick, ThreadPool& pool) {
  KT_TRY(const Stack stack, make_stack(kernels, format, bytes, pool));
  const double weight_bytes = static_cast<double>(stack.weights.front().bytes());
  const std::string_view kind =
      kernels.name.starts_with("amx") ? format.tile_kind : format.vector_kind;
  for (const Regime& regime : kRegimes) {
    if (quick && !regime.quick) continue;
    const size_t matrices = regime.matrices == 0 ? stack.weights.size() : regime.matrices;
    const double each = seconds_each(kernels, stack, regime.rows, matrices, pool);
    if (regime.rows <= 16) {
      say(kernels, format, regime.name, each, weight_bytes / each * 1e-9, "GB/s",
          ceilings.read_all.gb_s);
    } else {
      const double operations = 2.0 * static_cast<double>(regime.rows * kIn * kOut);
      say(kernels, format, regime.name, each, operations / each * 1e-12, "TOP/s",
          peak_of(ceilings, kind, kernels.name) * 1e-12);
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
  ThreadPool pool(threads, ThreadPool::Pinning::kWorkers);
  for (const std::string& word : words) {
    KT_TRY(const Kernels* kernels, select_kernels(word));
    for (const Format& format : formats) {
      KT_TRY_VOID(measure(*kernels, format, ceilings, bytes, quick, pool));
    }
  }
  return {};
}

}  // namespace
}  // namespace kilotoken::bench

int main(int argc, char** argv) {
  return kilotoken::bench::exit_status(kilotoken::bench::run(argc, argv), "bench kernels");
}
