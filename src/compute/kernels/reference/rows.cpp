// The operations that treat each row by itself.

#include <array>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "compute/kernels/mutants.h"
#include "compute/kernels/reference/reference.h"
#include "compute/kernels/stored.h"

namespace kilotoken::reference {

namespace {

// Sum of squares in double: eight partial sums (element i goes to i mod 8), added in order.
double square_sum(const float* input, int64_t size) {
  std::array<double, 8> parts{};
  int64_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (int lane = 0; lane < 8; ++lane) {
      parts[lane] += static_cast<double>(input[i + lane]) * static_cast<double>(input[i + lane]);
    }
  }
  for (int lane = 0; i < size; ++i, ++lane) {
    parts[lane] += static_cast<double>(input[i]) * static_cast<double>(input[i]);
  }
  double sum = 0;
  for (double part : parts) sum += part;
  return sum;
}

// Turns the pairs of one head by the angles whose cosines and sines are given.
void rotate(float* head, const float* cosines, const float* sines, int half, bool interleaved) {
  for (int i = 0; i < half; ++i) {
    float& a = head[interleaved ? 2 * i : i];
    float& b = head[interleaved ? 2 * i + 1 : i + half];
    const float turned_a = a * cosines[i] - b * sines[i];
    const float turned_b = b * cosines[i] + a * sines[i];
    a = turned_a;
    b = turned_b;
  }
}

template <typename T>
void write_row(const float* from, int64_t size, std::byte* to) {
  for (int64_t i = 0; i < size; ++i) {
    const T value = round_to<T>(from[i]);
    std::memcpy(to + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
  }
}

template <typename T>
void write_sequence(const KvWriteArgs& args, const SequenceRows& sequence) {
  const KvSpec& spec = args.kv->spec();
  const size_t slot_bytes = static_cast<size_t>(spec.head_dim) * sizeof(T);
  for (int32_t i = 0; i < sequence.row_count; ++i) {
    const int32_t position = sequence.first_position + i;
    const int page = sequence.pages[position / kPageTokens];
    const size_t slot = static_cast<size_t>(position % kPageTokens) * slot_bytes;
    for (int head = 0; head < spec.kv_heads; ++head) {
      const int64_t row = sequence.first_row + i;
      const int64_t from = (row * spec.kv_heads + head) * spec.head_dim;
      write_row<T>(args.keys + from, spec.head_dim, args.kv->keys(page, args.layer, head) + slot);
      write_row<T>(args.values + from, spec.head_dim,
                   args.kv->values(page, args.layer, head) + slot);
    }
  }
}

}  // namespace

void rms_norm(const float* input, const Tensor& weight, float epsilon, int64_t rows, float* output,
              ThreadPool& pool) {
  const int64_t size = weight.elements();
  std::vector<float> gains(static_cast<size_t>(size));
  with_stored_type(weight.dtype, [&]<typename T>(T) {
    for (int64_t i = 0; i < size; ++i) {
      gains[static_cast<size_t>(i)] = load_stored<T>(weight.data, i);
    }
  });
  pool.run(rows, 4, [&](int, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* from = input + row * size;
      float* to = output + row * size;
      const double mean = square_sum(from, size) / static_cast<double>(size);
      const float scale = static_cast<float>(1 / std::sqrt(mean + static_cast<double>(epsilon)));
      for (int64_t i = 0; i < size; ++i) to[i] = from[i] * scale * gains[static_cast<size_t>(i)];
    }
  });
}

void rope(const RopeArgs& args, ThreadPool& pool) {
  const int half = args.head_dim / 2;
  pool.run(args.rows, 4, [&](int, int64_t begin, int64_t end) {
    std::vector<float> cosines(static_cast<size_t>(half)), sines(static_cast<size_t>(half));
    for (int64_t row = begin; row < end; ++row) {
      for (int i = 0; i < half; ++i) {
        const float angle = static_cast<float>(args.positions[row]) * args.inv_freq[i];
        cosines[static_cast<size_t>(i)] = std::cos(angle);
        sines[static_cast<size_t>(i)] = std::sin(angle);
      }
      for (int head = 0; head < args.head_count; ++head) {
        float* values = args.heads + (row * args.head_count + head) * args.head_dim;
        rotate(values, cosines.data(), sines.data(), half, args.interleaved);
      }
    }
  });
}

void kv_write(const KvWriteArgs& args, ThreadPool& pool) {
  mutants::remember_write(args);
  const auto count = static_cast<int64_t>(args.sequences.size());
  with_stored_type(args.kv->spec().dtype, [&]<typename T>(T) {
    pool.run(count, 1, [&](int, int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        write_sequence<T>(args, args.sequences[static_cast<size_t>(s)]);
      }
    });
  });
}

void silu_multiply(float* gate, const float* up, int64_t count, ThreadPool& pool) {
  pool.run(count, 4096, [&](int, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
  });
}

void embed(const Weight& table, const int32_t* ids, int64_t rows, float* output, ThreadPool& pool) {
  pool.run(rows, 16, [&](int, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t id = ids[row];
      KT_CHECK(id >= 0 && id < table.out(), "token id " + std::to_string(id));
      table.read_row(id, output + row * table.in());
    }
  });
}

}  // namespace kilotoken::reference
