#include "base/threads.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <thread>

#include "base/cgroup.h"
#include "base/check.h"
#include "base/clock.h"

namespace kilotoken {
namespace {

// How long a worker looks out for the next loop before it sleeps, and the caller for the last
// piece. Within a step, loops follow each other in microseconds; waking a thread takes up to 60 of
// them.
constexpr int64_t kSpinNs = 400'000;
// After this much spinning, the CPU is offered to whoever else wants it now and then.
constexpr int64_t kSelfishNs = 20'000;
// The caller has waited this long for a worker that has begun: somebody else holds its CPU.
constexpr int64_t kDisplacedNs = 60'000;
// A worker that was displaced returns to its CPU after so many loops.
constexpr int kLoopsAway = 4096;
constexpr int kPausesPerLook = 32;
// Pieces per thread: enough that one slow thread does not hold the others up.
constexpr int64_t kPiecesPerThread = 4, kStaticPiecesPerThread = 16;

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Whether `word` became other than `old` within `limit_ns`.
bool spin_until_change(const std::atomic<uint32_t>& word, uint32_t old, int64_t limit_ns) {
  if (limit_ns == 0) return word.load(std::memory_order_acquire) != old;
  const SystemClock clock;  // of no result: only of how long to wait
  const int64_t begin = clock.now_ns();
  for (;;) {
    for (int i = 0; i < kPausesPerLook; ++i) {
      if (word.load(std::memory_order_acquire) != old) return true;
      pause_cpu();
    }
    const int64_t spent = clock.now_ns() - begin;
    if (spent > limit_ns) return false;
    if (spent > kSelfishNs) sched_yield();
  }
}

// The state word: generation in the upper half, then the count of workers inside, then "open".
constexpr uint64_t kOpen = 1, kOneInside = 2;
constexpr uint64_t inside(uint64_t state) { return (state & 0xffffffffu) >> 1; }
constexpr uint32_t generation(uint64_t state) { return static_cast<uint32_t>(state >> 32); }

// A set of CPUs of any size.
class CpuSet {
 public:
  explicit CpuSet(int capacity)
      : capacity_(capacity), bytes_(CPU_ALLOC_SIZE(capacity)), set_(CPU_ALLOC(capacity)) {
    CPU_ZERO_S(bytes_, set_);
  }
  ~CpuSet() { CPU_FREE(set_); }
  CpuSet(const CpuSet&) = delete;
  CpuSet& operator=(const CpuSet&) = delete;

  void add(int cpu) { CPU_SET_S(static_cast<size_t>(cpu), bytes_, set_); }
  bool read_own() { return sched_getaffinity(0, bytes_, set_) == 0; }
  bool give_to(std::thread& thread) const {
    return pthread_setaffinity_np(thread.native_handle(), bytes_, set_) == 0;
  }
  std::vector<int> members() const {
    std::vector<int> cpus;
    for (int cpu = 0; cpu < capacity_; ++cpu) {
      if (CPU_ISSET_S(static_cast<size_t>(cpu), bytes_, set_)) cpus.push_back(cpu);
    }
    return cpus;
  }

 private:
  int capacity_;
  size_t bytes_;
  cpu_set_t* set_;
};

bool allow(std::thread& thread, const std::vector<int>& cpus) {
  CpuSet set(cpus.back() + 1);
  for (const int cpu : cpus) set.add(cpu);
  return set.give_to(thread);
}

// The pieces of one worker's share that nobody has begun: the owner takes the first, others the
// last. [first, last) packed into one word.
struct alignas(64) Share {
  std::atomic<uint64_t> range{0};

  void set(int64_t first, int64_t last) {
    range.store(static_cast<uint64_t>(first) << 32 | static_cast<uint64_t>(last),
                std::memory_order_relaxed);
  }
  int64_t take(bool owner) {  // -1: none left
    uint64_t now = range.load(std::memory_order_relaxed);
    for (;;) {
      const uint64_t first = now >> 32, last = now & 0xffffffffu;
      if (first >= last) return -1;
      const uint64_t then = owner ? now + (uint64_t{1} << 32) : now - 1;
      if (range.compare_exchange_weak(now, then, std::memory_order_relaxed)) {
        return static_cast<int64_t>(owner ? first : last - 1);
      }
    }
  }
};

}  // namespace

struct ThreadPool::Loop {
  const LoopBody* body = nullptr;
  int64_t count = 0, piece = 0;
  bool fixed = false;  // by shares
};

// A loop is opened and closed by the caller. A worker enters only while it is open, and the caller
// waits only for those who entered: on a busy machine a worker that never got a CPU costs nothing.
struct ThreadPool::Shared {
  Loop loop;  // the current one; written while nobody is inside
  alignas(64) std::atomic<int64_t> next{0};
  std::unique_ptr<Share[]> shares;  // of each worker, when the loop is fixed

  alignas(64) std::atomic<uint64_t> state{0};
  std::atomic<uint32_t> opened{0};  // generation of the last loop opened; workers sleep on it
  std::atomic<uint32_t> left{0};  // generation of the last loop whose last worker left after close
  std::atomic<int64_t> worker_pieces{0};
  std::atomic<bool> stopping{false};
  int64_t spin_ns = kSpinNs;
  std::vector<std::thread> workers;

  // Known to the caller alone.
  bool pinned = false;
  int loops_away = 0;  // > 0: the workers are not bound to their CPUs, for so many loops
  std::vector<int> cpus;

  int size() const { return static_cast<int>(workers.size()) + 1; }

  void piece_at(int worker, int64_t begin) {
    (*loop.body)(worker, begin, std::min(loop.count, begin + loop.piece));
  }

  int64_t work(int worker) {
    int64_t pieces = 0;
    if (loop.fixed) {
      for (int turn = 0; turn < size(); ++turn) {
        Share& share = shares[static_cast<size_t>((worker + turn) % size())];
        for (int64_t at = share.take(turn == 0); at >= 0; at = share.take(turn == 0), ++pieces) {
          piece_at(worker, at * loop.piece);
        }
      }
      return pieces;
    }
    for (;; ++pieces) {
      const int64_t begin = next.fetch_add(loop.piece, std::memory_order_relaxed);
      if (begin >= loop.count) return pieces;
      piece_at(worker, begin);
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
      if (!spin_until_change(opened, seen, spin_ns)) opened.wait(seen, std::memory_order_acquire);
      // In this order: whoever sees the pool's last change of `opened` must not sleep again.
      seen = opened.load(std::memory_order_acquire);
      if (stopping.load(std::memory_order_acquire)) return;
      if (!enter(seen)) continue;
      worker_pieces.fetch_add(work(worker), std::memory_order_relaxed);
      leave();
    }
  }

  void run(const Loop& wanted) {
    const uint64_t before = state.load(std::memory_order_relaxed);
    KT_CHECK((before & kOpen) == 0 && inside(before) == 0,
             "ThreadPool::run inside a loop of the same pool");
    const uint32_t current = generation(before) + 1;
    loop = wanted;
    next.store(0, std::memory_order_relaxed);
    if (loop.fixed) deal();
    state.store((uint64_t{current} << 32) | kOpen, std::memory_order_release);
    opened.store(current, std::memory_order_release);
    opened.notify_all();
    work(0);
    const uint64_t at_close = state.fetch_and(~kOpen, std::memory_order_acq_rel);
    if (inside(at_close) > 0) await_last(current);
    if (loops_away > 0 && --loops_away == 0) bind();
  }

  void deal() {
    const int64_t pieces = (loop.count - 1) / loop.piece + 1;
    for (int worker = 0; worker < size(); ++worker) {
      shares[static_cast<size_t>(worker)].set(pieces * worker / size(),
                                              pieces * (worker + 1) / size());
    }
  }

  // Waits until the last worker inside the closed loop `current` has left it. One that takes long
  // has lost its CPU to another thread: bound to it, it would wait there although the caller's,
  // about to sleep, is free.
  void await_last(uint32_t current) {
    uint32_t last = left.load(std::memory_order_acquire);
    while (last != current) {
      if (!spin_until_change(left, last, std::min(spin_ns, kDisplacedNs))) {
        unbind();
        left.wait(last, std::memory_order_acquire);
      }
      last = left.load(std::memory_order_acquire);
    }
  }

  bool bind() {
    bool bound = true;
    for (size_t i = 0; i < workers.size(); ++i) bound &= allow(workers[i], {cpus[i + 1]});
    return bound;
  }

  void unbind() {
    if (!pinned) return;
    if (loops_away == 0) {
      for (std::thread& worker : workers) allow(worker, cpus);
    }
    loops_away = kLoopsAway;
  }
};

ThreadPool::ThreadPool(int thread_count, Pinning pinning) : shared_(std::make_unique<Shared>()) {
  KT_CHECK_GE(thread_count, 1);
  Shared& shared = *shared_;
  if (thread_count > usable_cpu_count()) shared.spin_ns = 0;
  shared.shares = std::make_unique<Share[]>(static_cast<size_t>(thread_count));
  shared.workers.reserve(static_cast<size_t>(thread_count - 1));
  shared.cpus = allowed_cpus();
  for (int worker = 1; worker < thread_count; ++worker) {
    shared.workers.emplace_back([&shared, worker] { shared.worker_loop(worker); });
  }
  if (pinning == Pinning::kWorkers && thread_count <= usable_cpu_count() &&
      shared.cpus.size() >= static_cast<size_t>(thread_count)) {
    shared.pinned = shared.bind();
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

int ThreadPool::size() const { return shared_->size(); }

bool ThreadPool::pinned() const { return shared_->pinned; }

void ThreadPool::run(int64_t count, int64_t grain, LoopBody body) {
  start({&body, count, grain, false});
}

void ThreadPool::run_static(int64_t count, int64_t grain, LoopBody body) {
  start({&body, count, grain, true});
}

void ThreadPool::start(const Loop& wanted) {
  KT_CHECK_GE(wanted.count, 0);
  KT_CHECK_GE(wanted.piece, 1);
  if (wanted.count == 0) return;
  const int64_t grain = wanted.piece, grains = (wanted.count - 1) / grain + 1;
  if (size() == 1 || grains == 1) {
    (*wanted.body)(0, 0, wanted.count);
    return;
  }
  Loop loop = wanted;
  const int64_t per_thread = loop.fixed ? kStaticPiecesPerThread : kPiecesPerThread;
  loop.piece = std::max<int64_t>(1, grains / (size() * per_thread)) * grain;
  shared_->run(loop);
}

std::vector<int> allowed_cpus() {
  for (int capacity = 1024; capacity <= 1 << 20; capacity *= 2) {
    CpuSet set(capacity);
    if (set.read_own()) return set.members();
  }
  return {};
}

int usable_cpu_count() {
  int count = std::max(1, static_cast<int>(allowed_cpus().size()));
  if (const auto quota = cgroup_cpu_quota()) {
    count = std::min(count, std::max(1, static_cast<int>(std::ceil(*quota))));
  }
  return count;
}

}  // namespace kilotoken
