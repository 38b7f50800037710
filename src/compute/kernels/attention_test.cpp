// Attention over pages for every table: near a float64 reference, the same bits however a context
// was cut into steps, and never a read of what does not belong to the row.

#include <array>
#include <numeric>
#include <utility>

#include "compute/kernels/kernels.h"
#include "compute/kernels/test_support.h"

namespace kilotoken {
namespace {

class AttentionTest : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, AttentionTest, testing::Range<size_t>(0, kernel_tables().size()),
                         table_name);

struct Shape {
  int heads, kv_heads, head_dim;
  DType dtype;
  int window;
};
constexpr Shape kShapes[] = {
    {4, 4, 8, DType::kF32, 0},    {8, 2, 8, DType::kBF16, 16},   {4, 1, 20, DType::kF16, 0},
    {2, 2, 37, DType::kBF16, 64}, {8, 2, 64, DType::kBF16, 0},   {4, 1, 64, DType::kF16, 100},
    {2, 2, 64, DType::kF32, 16},  {4, 2, 80, DType::kBF16, 100}, {4, 1, 128, DType::kBF16, 0},
    {1, 1, 256, DType::kF16, 64}, {2, 1, 256, DType::kF32, 0},
};
constexpr int kLayer = 1;

std::string text(const Shape& s) {
  return std::to_string(s.heads) + ":" + std::to_string(s.kv_heads) + " heads of " +
         std::to_string(s.head_dim) + " " + std::string(name_of(s.dtype)) + " window " +
         std::to_string(s.window);
}

// What one sequence computes before attention.
struct Context {
  int length;
  std::vector<float> queries, keys, values;  // [length, heads, head_dim]

  Context(const Shape& shape, int tokens, uint32_t seed)
      : length(tokens),
        queries(numbers(tokens * shape.heads, shape.head_dim, seed, 5)),
        keys(numbers(tokens * shape.kv_heads, shape.head_dim, seed + 1, 5)),
        values(numbers(tokens * shape.kv_heads, shape.head_dim, seed + 2)) {}
};

// A few contexts on one cache whose pages are all NaN at first and come in random order.
class Machine {
 public:
  Machine(const Kernels& kernels, const Shape& shape, std::vector<Context> contexts, int threads)
      : kernels_(kernels), shape_(shape), contexts_(std::move(contexts)), pool_(threads) {
    int pages = 0;
    for (const Context& context : contexts_) pages += (context.length + 63) / 64;
    const KvSpec spec{kLayer + 2, shape.kv_heads, shape.head_dim, shape.dtype};
    auto cache = KvCache::reserve(spec, pages);
    cache_ = std::move(cache).value();
    std::vector<int32_t> order(static_cast<size_t>(pages));
    std::iota(order.begin(), order.end(), 0);
    std::mt19937 random(static_cast<uint32_t>(threads));
    std::shuffle(order.begin(), order.end(), random);
    for (int page = 0; page < pages; ++page) cache_.poison(page);
    auto next = order.begin();
    for (const Context& context : contexts_) {
      tables_.emplace_back(next, next + (context.length + 63) / 64);
      next += (context.length + 63) / 64;
      outputs_.emplace_back(context.queries.size(), NAN);
    }
    done_.resize(contexts_.size());
  }

  // Runs all contexts to their ends, in steps of `chunk` rows of each that still has some.
  void run(int chunk) {
    while (step(chunk)) {
    }
  }
  const std::vector<float>& output(size_t context) const { return outputs_[context]; }

 private:
  bool step(int chunk) {
    std::vector<SequenceRows> rows;
    std::vector<float> queries, keys, values;
    int32_t row = 0;
    for (size_t c = 0; c < contexts_.size(); ++c) {
      const int count = std::min(chunk, contexts_[c].length - done_[c]);
      if (count == 0) continue;
      rows.push_back({row, count, done_[c], tables_[c].data()});
      row += count;
      append(queries, contexts_[c].queries, done_[c], count, shape_.heads);
      append(keys, contexts_[c].keys, done_[c], count, shape_.kv_heads);
      append(values, contexts_[c].values, done_[c], count, shape_.kv_heads);
    }
    if (rows.empty()) return false;
    std::vector<float> output(queries.size(), NAN);
    kernels_.kv_write({keys.data(), values.data(), rows, &cache_, kLayer}, pool_);
    kernels_.attention({queries.data(), output.data(), rows, &cache_, kLayer, shape_.heads,
                        1 / std::sqrt(static_cast<float>(shape_.head_dim)), shape_.window},
                       pool_);
    auto from = output.begin();
    for (size_t c = 0; c < contexts_.size(); ++c) {
      const int count = std::min(chunk, contexts_[c].length - done_[c]);
      const int size = shape_.heads * shape_.head_dim;
      std::copy(from, from + count * size, outputs_[c].begin() + done_[c] * size);
      from += count * size;
      done_[c] += count;
    }
    return true;
  }

  void append(std::vector<float>& to, const std::vector<float>& from, int first, int count,
              int heads) const {
    const int size = heads * shape_.head_dim;
    to.insert(to.end(), from.begin() + first * size, from.begin() + (first + count) * size);
  }

  const Kernels& kernels_;
  Shape shape_;
  std::vector<Context> contexts_;
  ThreadPool pool_;
  KvCache cache_;
  std::vector<std::vector<int32_t>> tables_;
  std::vector<std::vector<float>> outputs_;
  std::vector<int> done_;  // rows of each context so far
};

std::vector<float> as_stored(const std::vector<float>& values, DType dtype) {
  const StoredNumbers stored(values, dtype);
  const Tensor tensor = stored.tensor({static_cast<int64_t>(values.size())});
  std::vector<float> rounded;
  for (int64_t i = 0; i < tensor.elements(); ++i) rounded.push_back(tensor.at(i));
  return rounded;
}

// One row and head in float64, and how far float32 may be from it: a score's error moves its share
// by as much, relatively; shares and values are then summed.
struct Exact {
  std::vector<double> output, bound;  // [head_dim]
};

Exact exact_row(const Shape& shape, const Context& context, const std::vector<float>& keys,
                const std::vector<float>& values, int position, int head) {
  const auto dim = static_cast<size_t>(shape.head_dim);
  const size_t kv_head = static_cast<size_t>(head / (shape.heads / shape.kv_heads));
  const auto at = [&](size_t slot) {
    return (slot * static_cast<size_t>(shape.kv_heads) + kv_head) * dim;
  };
  const float* query =
      context.queries.data() + static_cast<size_t>(position * shape.heads + head) * dim;
  const int first = shape.window > 0 ? std::max(0, position - shape.window + 1) : 0;
  const double scale = 1 / std::sqrt(static_cast<double>(shape.head_dim));
  std::vector<double> scores;
  double max = -INFINITY, score_error = 0, sum = 0;
  for (auto slot = static_cast<size_t>(first); slot <= static_cast<size_t>(position); ++slot) {
    double dot = 0, magnitude = 0;
    for (size_t d = 0; d < dim; ++d) {
      const double term = double{query[d]} * double{keys[at(slot) + d]};
      dot += term;
      magnitude += std::abs(term);
    }
    scores.push_back(dot * scale);
    max = std::max(max, scores.back());
    const double error = 4 * kEpsilon * std::sqrt(shape.head_dim) * magnitude * scale;
    score_error = std::max(score_error, error);
  }
  for (double score : scores) sum += std::exp(score - max);
  Exact exact{std::vector<double>(dim), std::vector<double>(dim)};
  const double relative =
      2 * score_error + 4 * kEpsilon * (4 + std::sqrt(static_cast<double>(scores.size())));
  for (size_t i = 0; i < scores.size(); ++i) {
    const double share = std::exp(scores[i] - max) / sum;
    for (size_t d = 0; d < dim; ++d) {
      const double term = share * double{values[at(static_cast<size_t>(first) + i) + d]};
      exact.output[d] += term;
      exact.bound[d] += relative * std::abs(term);
    }
  }
  return exact;
}

TEST_P(AttentionTest, IsNearTheExactOne) {
  for (const Shape& shape : kShapes) {
    const Context context(shape, 300, 1);
    Machine machine(kernels(), shape, {context}, 2);
    machine.run(300);
    const std::vector<float> keys = as_stored(context.keys, shape.dtype);
    const std::vector<float> values = as_stored(context.values, shape.dtype);
    for (int position : {0, 1, 15, 16, 63, 64, 99, 100, 127, 128, 200, 299}) {
      for (int head = 0; head < shape.heads; ++head) {
        const Exact exact = exact_row(shape, context, keys, values, position, head);
        const float* output =
            machine.output(0).data() +
            static_cast<size_t>(position * shape.heads + head) * exact.output.size();
        for (size_t d = 0; d < exact.output.size(); ++d) {
          ASSERT_NEAR(output[d], exact.output[d], exact.bound[d])
              << text(shape) << " position " << position << " head " << head;
        }
      }
    }
  }
}

TEST_P(AttentionTest, GivesTheSameBitsForAnyChunkCompanyAndThreads) {
  for (const Shape& shape : kShapes) {
    const std::vector<Context> contexts{Context(shape, 203, 11), Context(shape, 64, 12),
                                        Context(shape, 130, 13)};
    std::vector<std::vector<float>> alone;
    for (const Context& context : contexts) {
      Machine machine(kernels(), shape, {context}, 1);
      machine.run(context.length);
      alone.push_back(machine.output(0));
    }
    for (const auto& [chunk, threads] :
         std::array<std::pair<int, int>, 5>{{{1, 1}, {7, 2}, {64, 3}, {203, 1}, {203, 3}}}) {
      Machine machine(kernels(), shape, contexts, threads);
      machine.run(chunk);
      for (size_t c = 0; c < contexts.size(); ++c) {
        const std::vector<float>& output = machine.output(c);
        ASSERT_TRUE(same_bits(output.data(), alone[c].data(), output.size()))
            << text(shape) << ", chunk " << chunk << ", " << threads << " threads, context " << c;
      }
    }
  }
}

// The keys of another page in the same cache are NaN, and a NaN of one's own shows.
TEST_P(AttentionTest, ANaNReachesTheRowsThatAttendToItAndNoOthers) {
  for (const Shape& shape : kShapes) {
    const std::vector<Context> sound{Context(shape, 150, 21), Context(shape, 150, 22)};
    Machine expected(kernels(), shape, sound, 2);
    expected.run(150);
    for (bool in_values : {false, true}) {
      std::vector<Context> contexts = sound;
      const int bad = 70, size = shape.kv_heads * shape.head_dim;
      std::vector<float>& hit = in_values ? contexts[0].values : contexts[0].keys;
      std::fill_n(hit.begin() + bad * size, size, NAN);
      Machine machine(kernels(), shape, contexts, 2);
      machine.run(40);
      EXPECT_EQ(machine.output(1), expected.output(1));
      const int row_size = shape.heads * shape.head_dim;
      for (int i = 0; i < 150 * row_size; ++i) {
        const int row = i / row_size;
        const bool reached = row >= bad && (shape.window == 0 || row - bad < shape.window);
        const auto at = static_cast<size_t>(i);
        ASSERT_EQ(std::isnan(machine.output(0)[at]), reached) << text(shape) << " row " << row;
        if (!reached) {
          ASSERT_EQ(machine.output(0)[at], expected.output(0)[at]);
        }
      }
    }
  }
}

TEST_P(AttentionTest, KvWriteStoresRoundedValuesInTheirSlotsOnly) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const KvSpec spec{2, 2, 5, dtype};
    auto cache = KvCache::reserve(spec, 3);
    ASSERT_TRUE(cache.ok()) << cache.error().message;
    for (int page = 0; page < 3; ++page) cache->poison(page);
    const std::vector<float> keys = numbers(4, 10, 31), values = numbers(4, 10, 32);
    const std::array<int32_t, 2> pages{2, 0};
    const std::array<SequenceRows, 1> rows{{{0, 4, 62, pages.data()}}};
    ThreadPool pool(2);
    kernels().kv_write({keys.data(), values.data(), rows, &*cache, 1}, pool);
    const std::vector<float> stored = as_stored(keys, dtype),
                             stored_values = as_stored(values, dtype);
    int numbers_seen = 0;
    for (int page = 0; page < 3; ++page) {
      for (int i = 0; i < 2 * 2 * 2 * 64 * 5; ++i) {
        const Tensor all(cache->keys(page, 0, 0), dtype, {2 * 2 * 2 * 64 * 5});
        numbers_seen += !std::isnan(all.at(i));
      }
    }
    EXPECT_EQ(numbers_seen, 4 * 2 * 2 * 5);
    for (int i = 0; i < 4 * 2 * 5; ++i) {
      const int position = 62 + i / 10, head = i / 5 % 2, slot = position % 64;
      const int page = pages[static_cast<size_t>(position / 64)];
      const Tensor key(cache->keys(page, 1, head), dtype, {64, 5});
      const Tensor value(cache->values(page, 1, head), dtype, {64, 5});
      ASSERT_EQ(key.at(slot * 5 + i % 5), stored[static_cast<size_t>(i)]);
      ASSERT_EQ(value.at(slot * 5 + i % 5), stored_values[static_cast<size_t>(i)]);
    }
  }
}

}  // namespace
}  // namespace kilotoken
