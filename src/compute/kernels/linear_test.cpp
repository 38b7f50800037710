// Every weight format on every table: near a float64 reference over the stored weights, the same
// bits for any number of rows and threads, nothing read past an end; emulation against instruction.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <numeric>

#include "compute/kernels/test_support.h"

namespace kilotoken {
namespace {

struct Format {
  const char* name;
  WeightFormat format;
  bool int8_activations;
  double bound, outlier_bound;  // of the relative L2 error; outlier: 1 % of channels x 30
};
// Bounds: exact rows 2e-6; INT8 activations 1.2e-2, and with outliers as much as a scale that few
// numbers share, or many, leaves.
constexpr Format kFormats[] = {
    {"float32", WeightFormat::kF32, false, 2e-6, 2e-6},
    {"float16", WeightFormat::kF16, false, 2e-6, 2e-6},
    {"bfloat16", WeightFormat::kBF16, false, 2e-6, 2e-6},
    {"int8", WeightFormat::kInt8, false, 1.2e-2, 8e-2},
    {"int4 exact", WeightFormat::kInt4, false, 2e-6, 2e-6},
    {"int4, int8 activations", WeightFormat::kInt4, true, 1.2e-2, 6e-2},
    {"q8_0", WeightFormat::kQ8_0, false, 1.2e-2, 5e-2},
    {"q4_0", WeightFormat::kQ4_0, false, 1.2e-2, 5e-2},
};

struct Shape {
  int64_t in, out;
};

class LinearData {
 public:
  LinearData(const Kernels& kernels, const Format& format, Shape shape, int64_t rows,
             float outlier = 30)
      : kernels_(kernels),
        shape_(shape),
        input_(numbers(rows, shape.in, 1, outlier)),
        stored_(numbers(shape.out, shape.in, 2, 1), stored_type(format.format)) {
    const Tensor tensor = stored_.tensor({shape.out, shape.in});
    const bool plain = row_of(format.format).plain();
    ThreadPool pool(2);
    weight_ = plain && (format.format != WeightFormat::kBF16 || !kernels.packs_bf16)
                  ? Weight::view(tensor)
                  : Weight::pack(tensor, format.format, format.int8_activations, pool).value();
    rounds_rows_ = weight_.packed() && weight_.layout().bf16_rows;
  }

  std::vector<float> run(int64_t first, int64_t rows, ThreadPool& pool) {
    std::vector<float> output(static_cast<size_t>(rows * shape_.out), NAN);
    run_onto(output, first, rows, pool, false);
    return output;
  }
  void run_onto(std::vector<float>& output, int64_t first, int64_t rows, ThreadPool& pool,
                bool accumulate) {
    Workspace workspace(linear_scratch_bytes(rows, shape_.in));
    kernels_.linear({.input = input_.data() + first * shape_.in,
                     .weight = weight_,
                     .output = output.data(),
                     .rows = rows,
                     .accumulate = accumulate,
                     .workspace = &workspace},
                    pool);
  }

  // ||output - exact|| / ||exact|| over rows [0, rows), in float64 over the stored weights and,
  // where the table multiplies BF16 rows, rows rounded to BF16.
  double relative_error(const std::vector<float>& output, int64_t rows) const {
    std::vector<float> w(static_cast<size_t>(shape_.in));
    double difference = 0, size = 0;
    for (int64_t o = 0; o < shape_.out; ++o) {
      weight_.read_row(o, w.data());
      for (int64_t row = 0; row < rows; ++row) {
        double exact = 0;
        for (int64_t i = 0; i < shape_.in; ++i) {
          const float x = input_[static_cast<size_t>(row * shape_.in + i)];
          exact += double{rounds_rows_ ? to_float(to_bfloat16(x)) : x} *
                   double{w[static_cast<size_t>(i)]};
        }
        const double off = output[static_cast<size_t>(row * shape_.out + o)] - exact;
        difference += off * off;
        size += exact * exact;
      }
    }
    return std::sqrt(difference / size);
  }

 private:
  static DType stored_type(WeightFormat format) {
    return format == WeightFormat::kF16    ? DType::kF16
           : format == WeightFormat::kBF16 ? DType::kBF16
                                           : DType::kF32;
  }

  const Kernels& kernels_;
  Shape shape_;
  std::vector<float> input_;
  StoredNumbers stored_;
  Weight weight_;
  bool rounds_rows_ = false;
};

// Widths that every format takes, and odd ones for those that take any; outputs that leave part of
// a panel.
std::vector<Shape> shapes_of(const Format& format) {
  const int64_t group = row_of(format.format).group;
  if (group != 0) return {{2 * group, 40}, {3 * group, 7}, {1024, 65}};
  return {{1, 1}, {7, 3}, {65, 33}, {172, 64}, {1029, 21}};
}

class LinearTest : public EveryTable {
 protected:
  void say(const Format& format, const std::string& what) const {
    std::printf("%-16s %-24s %s\n", std::string(kernels().name).c_str(), format.name, what.c_str());
  }
};
INSTANTIATE_TEST_SUITE_P(Tables, LinearTest, testing::Range<size_t>(0, kernel_tables().size()),
                         table_name);

TEST_P(LinearTest, IsNearTheExactSum) {
  ThreadPool pool(2);
  for (const Format& format : kFormats) {
    double worst[2] = {};
    for (const int outlier : {0, 1}) {
      for (const Shape shape : {Shape{1024, 65}, Shape{384, 40}}) {
        LinearData data(kernels(), format, shape, 19, outlier != 0 ? 30 : 1);
        for (const int64_t rows : {1, 19}) {
          const double error = data.relative_error(data.run(0, rows, pool), rows);
          worst[outlier] = std::max(worst[outlier], error);
        }
      }
    }
    EXPECT_LE(worst[0], format.bound) << format.name;
    EXPECT_LE(worst[1], format.outlier_bound) << format.name;
    char text[80];
    std::snprintf(text, sizeof text, "relative error: normal %.1e, with outliers %.1e", worst[0],
                  worst[1]);
    say(format, text);
  }
}

TEST_P(LinearTest, GivesTheSameBitsForAnyNumberOfRowsAndThreads) {
  ThreadPool one(1), two(2), three(3);
  ThreadPool* const pools[] = {&one, &two, &three};
  std::vector<int64_t> counts(70);
  std::iota(counts.begin(), counts.end(), 1);
  counts.insert(counts.end(), {511, 512, 513});
  for (const Format& format : kFormats) {
    for (const Shape shape : shapes_of(format)) {
      if (shape.in > 1000) continue;
      LinearData data(kernels(), format, shape, 513);
      std::vector<float> alone;
      for (int64_t row = 0; row < 513; ++row) {
        const std::vector<float> output = data.run(row, 1, *pools[row % 3]);
        alone.insert(alone.end(), output.begin(), output.end());
      }
      for (const int64_t rows : counts) {
        const std::vector<float> together = data.run(0, rows, *pools[rows % 3]);
        ASSERT_TRUE(same_bits(together.data(), alone.data(), together.size()))
            << format.name << " [" << shape.out << ", " << shape.in << "], " << rows << " rows";
      }
    }
    say(format, "rows 1 .. 70, 511 .. 513 on 1 to 3 threads: the same bits");
  }
}

// Deep enough for every block of the depth, and as deep as any known model.
TEST_P(LinearTest, GivesTheSameBitsInDeepMatrices) {
  ThreadPool one(1), two(2);
  for (const Format& format : kFormats) {
    for (const Shape shape : {Shape{1024 * 3, 70}, Shape{14336, 18}}) {
      LinearData data(kernels(), format, shape, 67);
      const std::vector<float> all = data.run(0, 67, two);
      for (const int64_t rows : {1, 7, 17, 33}) {
        const std::vector<float> last = data.run(67 - rows, rows, one);
        ASSERT_TRUE(same_bits(
            last.data(), all.data() + static_cast<size_t>((67 - rows) * shape.out), last.size()))
            << format.name << ", " << shape.in << " deep, " << rows << " rows";
      }
    }
  }
}

// Wider than what is taken at once of the outputs.
TEST_P(LinearTest, GivesTheSameBitsInWideMatrices) {
  ThreadPool one(1);
  for (const Format& format : kFormats) {
    LinearData data(kernels(), format, Shape{256, 1061}, 49);
    const std::vector<float> all = data.run(0, 49, one);
    for (const int64_t rows : {1, 33}) {
      const std::vector<float> last = data.run(49 - rows, rows, one);
      ASSERT_TRUE(
          same_bits(last.data(), all.data() + static_cast<size_t>((49 - rows) * 1061), last.size()))
          << format.name << ", " << rows << " rows";
    }
  }
}

TEST_P(LinearTest, AccumulatesOntoTheOutput) {
  ThreadPool pool(2);
  for (const Format& format : kFormats) {
    const Shape shape = shapes_of(format).back();
    for (const int64_t rows : {1, 2, 21}) {
      LinearData data(kernels(), format, shape, rows);
      const std::vector<float> sum = data.run(0, rows, pool);
      const std::vector<float> before = numbers(rows, shape.out, 3);
      std::vector<float> output = before;
      data.run_onto(output, 0, rows, pool, true);
      for (size_t i = 0; i < output.size(); ++i) ASSERT_EQ(output[i], before[i] + sum[i]) << rows;
    }
  }
}

// A row that holds NaN or infinity says so in its outputs, and leaves the others alone.
TEST_P(LinearTest, ARowThatIsNotFiniteStaysAlone) {
  ThreadPool pool(2);
  for (const Format& format : kFormats) {
    const Shape shape = shapes_of(format)[0];
    const StoredNumbers stored(numbers(shape.out, shape.in, 2, 1), DType::kBF16);
    const Tensor tensor = stored.tensor({shape.out, shape.in});
    if (row_of(format.format).plain() && format.format != WeightFormat::kBF16) continue;
    const bool pack = !row_of(format.format).plain() || kernels().packs_bf16;
    const Weight weight =
        pack ? Weight::pack(tensor, format.format, format.int8_activations, pool).value()
             : Weight::view(tensor);
    Workspace workspace(linear_scratch_bytes(3, shape.in));
    std::vector<float> input = numbers(3, shape.in, 1), sound(3 * static_cast<size_t>(shape.out));
    kernels().linear({input.data(), weight, sound.data(), 3, false, &workspace}, pool);
    for (const float bad : {NAN, -NAN, INFINITY}) {
      std::vector<float> with_bad = input, output = sound;
      with_bad[static_cast<size_t>(shape.in + shape.in / 2)] = bad;
      kernels().linear({with_bad.data(), weight, output.data(), 3, false, &workspace}, pool);
      for (size_t i = 0; i < output.size(); ++i) {
        if (i / static_cast<size_t>(shape.out) == 1) {
          ASSERT_FALSE(std::isfinite(output[i])) << format.name;
        } else {
          ASSERT_EQ(output[i], sound[i]) << format.name;
        }
      }
    }
  }
}

// Numbers that end where the process's memory does.
class GuardedFloats {
 public:
  explicit GuardedFloats(const void* bytes, size_t size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t whole = (size + page - 1) / page * page;
    mapping_bytes_ = whole + page;
    mapping_ = static_cast<char*>(
        mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(mapping_ + whole, page, PROT_NONE);
    data_ = mapping_ + whole - size;
    if (bytes != nullptr) std::memcpy(data_, bytes, size);
  }
  ~GuardedFloats() { munmap(mapping_, mapping_bytes_); }
  GuardedFloats(const GuardedFloats&) = delete;
  GuardedFloats& operator=(const GuardedFloats&) = delete;
  float* floats() const { return reinterpret_cast<float*>(data_); }
  const void* data() const { return data_; }

 private:
  char *mapping_, *data_;
  size_t mapping_bytes_;
};

TEST_P(LinearTest, TouchesNothingPastAnEnd) {
  ThreadPool pool(1);
  for (const Format& format : kFormats) {
    for (const Shape shape : shapes_of(format)) {
      for (const int64_t rows : {1, 3, 9, 17, 70}) {
        const std::vector<float> input = numbers(rows, shape.in, 1);
        const StoredNumbers stored(numbers(shape.out, shape.in, 2, 1),
                                   format.format == WeightFormat::kF32   ? DType::kF32
                                   : format.format == WeightFormat::kF16 ? DType::kF16
                                                                         : DType::kBF16);
        const Tensor tensor = stored.tensor({shape.out, shape.in});
        const GuardedFloats guarded_input(input.data(), input.size() * sizeof(float));
        const GuardedFloats guarded_weight(tensor.data, tensor.bytes());
        const GuardedFloats output(nullptr, static_cast<size_t>(rows * shape.out) * sizeof(float));
        const Tensor at_end(guarded_weight.data(), tensor.dtype, {shape.out, shape.in});
        const bool plain = row_of(format.format).plain();
        const bool view = plain && (format.format != WeightFormat::kBF16 || !kernels().packs_bf16);
        const Weight weight =
            view ? Weight::view(at_end)
                 : Weight::pack(at_end, format.format, format.int8_activations, pool).value();
        Workspace workspace(linear_scratch_bytes(rows, shape.in));
        kernels().linear({guarded_input.floats(), weight, output.floats(), rows, false, &workspace},
                         pool);
        ASSERT_TRUE(std::isfinite(output.floats()[rows * shape.out - 1]));
      }
    }
  }
}

// Integer sums are exact and the chain of scales is the same everywhere.
TEST_P(LinearTest, Int8RowsGiveTheBitsOfTheReference) {
  ThreadPool pool(2);
  for (const Format& format : kFormats) {
    if (row_of(format.format).plain() || format.bound < 1e-3) continue;
    for (const Shape shape : shapes_of(format)) {
      LinearData here(kernels(), format, shape, 35), there(reference_kernels(), format, shape, 35);
      const std::vector<float> output = here.run(0, 35, pool), expected = there.run(0, 35, pool);
      ASSERT_TRUE(same_bits(output.data(), expected.data(), output.size())) << format.name;
    }
  }
}

class EmulatedTest : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Pairs, EmulatedTest, testing::Values("avx512", "amx"),
                         [](const auto& one) { return std::string(one.param); });

TEST_P(EmulatedTest, GivesTheBitsOfTheInstructions) {
  const auto real = select_kernels(GetParam());
  const auto emulated = select_kernels(std::string(GetParam()) + "-emulated");
  if (!real.ok()) GTEST_SKIP() << real.error().message;
  if (!emulated.ok()) GTEST_SKIP() << emulated.error().message;
  ThreadPool pool(2);
  for (const Format& format : kFormats) {
    for (const Shape shape : shapes_of(format)) {
      for (const int64_t rows : {1, 17, 70}) {
        LinearData here(**real, format, shape, rows), there(**emulated, format, shape, rows);
        const std::vector<float> output = here.run(0, rows, pool);
        const std::vector<float> expected = there.run(0, rows, pool);
        ASSERT_TRUE(same_bits(output.data(), expected.data(), output.size()))
            << format.name << " [" << shape.out << ", " << shape.in << "], " << rows << " rows";
      }
    }
  }
}

}  // namespace
}  // namespace kilotoken
