#pragma once
// ThreadPool: runs one loop at a time over a fixed set of threads. The caller is worker 0, so a
// pool of one thread starts none. Owned by the runner; run() is called by one thread at a time.

#include <cstdint>
#include <memory>
#include <type_traits>

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
  explicit ThreadPool(int thread_count);  // >= 1
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;
  int64_t worker_pieces() const;  // pieces run so far by others than the caller

  // Splits [0, count) into pieces whose bounds are multiples of `grain` and runs each exactly once.
  // Which worker takes which piece is not defined: a result must not depend on it.
  void run(int64_t count, int64_t grain, LoopBody body);

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

// CPUs this process may run on (affinity and container limit), at least 1.
int usable_cpu_count();

}  // namespace kilotoken
