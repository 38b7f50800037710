#pragma once
// ThreadPool: runs one loop at a time over a fixed set of threads. The caller is worker 0, so a
// pool of one thread starts none. Owned by the runner; loops are begun by one thread at a time.
//
// A worker without work spins for a moment, then sleeps (waking it costs far more than a loop of a
// decode step takes). No loop waits for a worker that has not begun: what it would have done,
// others take. So a busy machine makes a loop slower by the time it takes away, not by waiting.

#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

namespace kilotoken {

// A borrowed callable `void(int worker, int64_t begin, int64_t end)`; valid during the call only.
class LoopBody {
 public:
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, LoopBody>) LoopBody(F&& body)  // NOLINT
      : object_(const_cast<void*>(static_cast<const void*>(&body))),
        call_([](void* object, int worker, int64_t begin, int64_t end) {
          (*static_cast<std::remove_reference_t<F>*>(object))(worker, begin, end);
        }) {}
  void operator()(int worker, int64_t begin, int64_t end) const {
    call_(object_, worker, begin, end);
  }

 private:
  void* object_;
  void (*call_)(void*, int, int64_t, int64_t);
};

class ThreadPool {
 public:
  // kWorkers: each worker but the caller stays on a CPU of its own among those this process may
  // use, as long as nobody else holds that CPU; not if there are fewer of them than threads.
  enum class Pinning { kNone, kWorkers };
  explicit ThreadPool(int thread_count, Pinning pinning = Pinning::kNone);  // >= 1
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;
  bool pinned() const;            // false as well where it was wished for and is not possible
  int64_t worker_pieces() const;  // pieces run so far by others than the caller

  // Splits [0, count) into pieces whose bounds are multiples of `grain` and runs each exactly once.
  // Which worker takes which piece is not defined: a result must not depend on it.
  void run(int64_t count, int64_t grain, LoopBody body);

  // The same with a fixed partition: worker w begins with the w-th of size() equal shares, so that
  // loops over the same data find it where the same worker had it. Workers who are done, or who run
  // while another does not, take pieces from the far end of a share.
  void run_static(int64_t count, int64_t grain, LoopBody body);

 private:
  struct Shared;
  struct Loop;
  void start(const Loop& loop);
  std::unique_ptr<Shared> shared_;
};

// CPUs this process may run on, ascending; empty where the system does not tell.
std::vector<int> allowed_cpus();

// Their number, within the container's limit; at least 1.
int usable_cpu_count();

}  // namespace kilotoken
