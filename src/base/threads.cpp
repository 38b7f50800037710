#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "base/cgroup.h"
#include "base/check.h"

namespace kilotoken {
namespace {

// A loop's worth of pause instructions: 3 to 15 microseconds, about what waking a thread costs.
constexpr int kSpins = 256;
// Pieces per thread: enough that one slow thread does not hold the others up.
constexpr int64_t kPiecesPerThread = 4;

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The state word: generation in the upper half, then the count of workers inside, then "open".
constexpr uint64_t kOpen = 1, kOneInside = 2;
constexpr uint64_t inside(uint64_t state) { return (state & 0xffffffffu) >> 1; }
constexpr uint32_t generation(uint64_t state) { return static_cast<uint32_t>(state >> 32); }

// Waits until `word` is no longer `old`: spins briefly, then sleeps.
void await_change(const std::atomic<uint32_t>& word, uint32_t old, int spins) {
  for (int i = 0; i < spins; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    pause_cpu();
  }
  word.wait(old, std::memory_order_acquire);
}

int affinity_cpu_count() {
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(cpus);
    if (set == nullptr) return 0;
    const size_t bytes = CPU_ALLOC_SIZE(cpus);
    const bool done = sched_getaffinity(0, bytes, set) == 0;
    const int count = done ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (done) return count;
  }
  return 0;
}

}  // namespace

// A loop is opened and closed by the caller. A worker enters only while it is open, and the caller
// waits only for those who entered: on a busy machine a worker that never got a CPU costs nothing.
struct ThreadPool::Shared {
  // Of the current loop; written while nobody is inside.
  const LoopBody* body = nullptr;
  int64_t count = 0, piece = 0;
  alignas(64) std::atomic<int64_t> next{0};

  alignas(64) std::atomic<uint64_t> state{0};
  std::atomic<uint32_t> opened{0};  // generation of the last loop opened; workers sleep on it
  std::atomic<uint32_t> left{0};  // generation of the last loop whose last worker left after close
  std::atomic<int64_t> worker_pieces{0};
  std::atomic<bool> stopping{false};
  int spins = kSpins;
  std::vector<std::thread> workers;

  int64_t work(int worker) {
    for (int64_t pieces = 0;; ++pieces) {
      const int64_t begin = next.fetch_add(piece, std::memory_order_relaxed);
      if (begin >= count) return pieces;
      (*body)(worker, begin, std::min(count, begin + piece));
    }
  }

  bool enter(uint32_t wanted) {
    uint64_t now = state.load(std::memory_order_relaxed);
    while ((now & kOpen) != 0 && generation(now) == wanted) {
      if (state.compare_exchange_weak(now, now + kOneInside, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  void leave() {
    const uint64_t before = state.fetch_sub(kOneInside, std::memory_order_acq_rel);
    if (inside(before) != 1 || (before & kOpen) != 0) return;
    left.store(generation(before), std::memory_order_release);
    left.notify_one();
  }

  void worker_loop(int worker) {
    uint32_t seen = 0;
    for (;;) {
      await_change(opened, seen, spins);
      if (stopping.load(std::memory_order_acquire)) return;
      seen = opened.load(std::memory_order_acquire);
      if (!enter(seen)) continue;
      worker_pieces.fetch_add(work(worker), std::memory_order_relaxed);
      leave();
    }
  }

  void run(int64_t loop_count, int64_t loop_piece, const LoopBody& loop_body) {
    const uint64_t before = state.load(std::memory_order_relaxed);
    KT_CHECK((before & kOpen) == 0, "ThreadPool::run inside a loop of the same pool");
    const uint32_t current = generation(before) + 1;
    body = &loop_body;
    count = loop_count;
    piece = loop_piece;
    next.store(0, std::memory_order_relaxed);
    state.store((uint64_t{current} << 32) | kOpen, std::memory_order_release);
    opened.store(current, std::memory_order_release);
    opened.notify_all();
    work(0);
    const uint64_t at_close = state.fetch_and(~kOpen, std::memory_order_acq_rel);
    if (inside(at_close) == 0) return;
    for (uint32_t last = left.load(std::memory_order_acquire); last != current;
         last = left.load(std::memory_order_acquire)) {
      await_change(left, last, spins);
    }
  }
};

ThreadPool::ThreadPool(int thread_count) : shared_(std::make_unique<Shared>()) {
  KT_CHECK_GE(thread_count, 1);
  if (thread_count > usable_cpu_count()) shared_->spins = 0;
  for (int worker = 1; worker < thread_count; ++worker) {
    shared_->workers.emplace_back(
        [shared = shared_.get(), worker] { shared->worker_loop(worker); });
  }
}

ThreadPool::~ThreadPool() {
  shared_->stopping.store(true, std::memory_order_release);
  shared_->opened.fetch_add(1, std::memory_order_release);
  shared_->opened.notify_all();
  for (std::thread& worker : shared_->workers) worker.join();
}

int64_t ThreadPool::worker_pieces() const {
  return shared_->worker_pieces.load(std::memory_order_relaxed);
}

int ThreadPool::size() const { return static_cast<int>(shared_->workers.size()) + 1; }

void ThreadPool::run(int64_t count, int64_t grain, LoopBody body) {
  KT_CHECK_GE(count, 0);
  KT_CHECK_GE(grain, 1);
  if (count == 0) return;
  const int64_t grains = (count - 1) / grain + 1;
  if (size() == 1 || grains == 1) {
    body(0, 0, count);
    return;
  }
  const int64_t grains_per_piece = std::max<int64_t>(1, grains / (size() * kPiecesPerThread));
  shared_->run(count, grains_per_piece * grain, body);
}

int usable_cpu_count() {
  int count = std::max(1, affinity_cpu_count());
  if (const auto quota = cgroup_cpu_quota()) {
    count = std::min(count, std::max(1, static_cast<int>(std::ceil(*quota))));
  }
  return count;
}

}  // namespace kilotoken
