// Streaming reads. 16-byte loads are enough: a core asks for a line of 64 bytes with four of them
// in two cycles, and memory gives one in ten.

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "ceiling/ceiling.h"

namespace kilotoken::bench {
namespace {

typedef uint64_t Line16 __attribute__((vector_size(16)));

constexpr int64_t kPieceBytes = int64_t{1} << 22;
constexpr int64_t kPartPieces = 128;  // 512 MiB
constexpr int kPasses = 2;
constexpr int kLine = 64;

template <int kStreams, int kPrefetch>
void read_piece(const char* piece) {
  constexpr int64_t kEach = kPieceBytes / kStreams;
  Line16 sum[4] = {};
  for (int64_t at = 0; at < kEach; at += kLine) {
    for (int stream = 0; stream < kStreams; ++stream) {
      const char* line = piece + stream * kEach + at;
      if constexpr (kPrefetch > 0) __builtin_prefetch(line + kPrefetch, 0, 2);  // prefetcht1
      for (int part = 0; part < 4; ++part) {
        sum[part] ^= *reinterpret_cast<const Line16*>(line + part * 16);
      }
    }
  }
  asm volatile("" ::"x"(sum[0] ^ sum[1] ^ sum[2] ^ sum[3]));
}

using ReadPiece = void (*)(const char*);

struct Choice {
  ReadPattern pattern;
  ReadPiece read;
};

template <int kStreams, int kPrefetch>
constexpr Choice choice() {
  return {{kStreams, kPrefetch}, read_piece<kStreams, kPrefetch>};
}

constexpr Choice kChoices[] = {
    choice<1, 0>(), choice<1, 512>(), choice<1, 1024>(), choice<1, 2048>(),
    choice<4, 0>(), choice<4, 512>(), choice<4, 1024>(), choice<4, 2048>(),
    choice<8, 0>(), choice<8, 512>(), choice<8, 1024>(), choice<8, 2048>(),
};

// Through all of the memory in parts, each larger than any cache; the fastest part counts, so that
// a moment's work of somebody else does not.
double pass(std::span<const std::byte> memory, ReadPiece read, ThreadPool& pool) {
  const SystemClock clock;
  const auto* bytes = reinterpret_cast<const char*>(memory.data());
  const auto pieces = static_cast<int64_t>(memory.size()) / kPieceBytes;
  double best = 0;
  for (int64_t from = 0; from < pieces; from += kPartPieces) {
    const int64_t part = std::min(kPartPieces, pieces - from), begin = clock.now_ns();
    pool.run_static(part, 1, [&](int, int64_t first, int64_t last) {
      for (int64_t piece = from + first; piece < from + last; ++piece) {
        read(bytes + piece * kPieceBytes);
      }
    });
    const auto ns = static_cast<double>(clock.now_ns() - begin);
    if (part == kPartPieces || part == pieces) {
      best = std::max(best, static_cast<double>(part * kPieceBytes) / ns);
    }
  }
  return best;
}

}  // namespace

Result<Arena> touched_memory(size_t bytes, ThreadPool& pool) {
  KT_TRY(Arena arena, Arena::reserve(bytes / kPieceBytes * kPieceBytes));
  auto* words = reinterpret_cast<uint64_t*>(arena.bytes().data());
  constexpr int64_t kWords = kPieceBytes / 8;
  pool.run_static(static_cast<int64_t>(arena.bytes().size()) / kPieceBytes, 1,
                  [&](int, int64_t first, int64_t last) {
                    for (int64_t i = first * kWords; i < last * kWords; ++i) {
                      words[i] = static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15u;
                    }
                  });
  return arena;
}

std::span<const ReadPattern> read_patterns() {
  static const std::vector<ReadPattern> all = [] {
    std::vector<ReadPattern> patterns;
    for (const Choice& choice : kChoices) patterns.push_back(choice.pattern);
    return patterns;
  }();
  return all;
}

double read_once(std::span<const std::byte> memory, ReadPattern pattern, ThreadPool& pool) {
  for (const Choice& choice : kChoices) {
    if (choice.pattern.streams == pattern.streams &&
        choice.pattern.prefetch_bytes == pattern.prefetch_bytes) {
      return pass(memory, choice.read, pool);
    }
  }
  return 0;
}

ReadSpeed best_read(std::span<const std::byte> memory, ThreadPool& pool) {
  ReadSpeed best;
  for (const Choice& choice : kChoices) {
    for (int i = 0; i < kPasses; ++i) {
      const double gb_s = pass(memory, choice.read, pool);
      if (gb_s > best.gb_s) best = {gb_s, choice.pattern};
    }
  }
  return best;
}

}  // namespace kilotoken::bench
