// What the thread pool costs, and what other busy threads cost it: loops a second of two kinds, by
// a fixed partition and by stealing, while 0, 1 or 2 threads of this process are busy as network
// threads are at their worst. Usage: pool_speed [threads]

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"

namespace kilotoken {
namespace {

constexpr int64_t kMeasureNs = 400'000'000;
constexpr int kRepeats = 3;

// A panel's worth of work that touches no memory.
void work(int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) asm volatile("" ::: "memory");
}

// Loops a second of `panels` panels, the best of several tries.
double loops_per_s(ThreadPool& pool, bool fixed, int64_t panels, int64_t steps) {
  const SystemClock clock;
  const auto body = [steps](int, int64_t begin, int64_t end) { work((end - begin) * steps); };
  double best = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const int64_t begin = clock.now_ns();
    int64_t loops = 0;
    for (; clock.now_ns() - begin < kMeasureNs; ++loops) {
      if (fixed) {
        pool.run_static(panels, 1, body);
      } else {
        pool.run(panels, 1, body);
      }
    }
    best = std::max(best,
                    static_cast<double>(loops) * 1e9 / static_cast<double>(clock.now_ns() - begin));
  }
  return best;
}

// Threads that are busy all the time, or (`rests`) half of it in turns of 200 microseconds.
class Busy {
 public:
  Busy(int count, bool rests) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, rests] {
        while (!stop_) {
          work(400'000);
          if (rests) std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
      });
    }
  }
  ~Busy() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

void row(ThreadPool& pool, const char* pinning, const char* others, double one_thread) {
  for (const bool fixed : {true, false}) {
    const double empty = loops_per_s(pool, fixed, 64, 0);
    const double full = loops_per_s(pool, fixed, 64, 8'000);
    std::printf(
        "%-8s %-7s %-22s %8.2f us an empty loop, %7.0f loops/s of 64 panels, %5.2fx of "
        "one thread\n",
        pinning, fixed ? "static" : "stealing", others, 1e6 / empty, full, full / one_thread);
  }
}

int run(int threads) {
  ThreadPool alone(1);
  const double one_thread = loops_per_s(alone, true, 64, 8'000);
  std::printf("one thread alone: %.0f loops/s of 64 panels\n", one_thread);
  for (const auto pinning : {ThreadPool::Pinning::kNone, ThreadPool::Pinning::kWorkers}) {
    ThreadPool pool(threads, pinning);
    const char* name = pool.pinned() ? "pinned" : "free";
    row(pool, name, "no other", one_thread);
    {
      const Busy busy(1, true);
      row(pool, name, "1 other, half busy", one_thread);
    }
    {
      const Busy busy(1, false);
      row(pool, name, "1 other, busy", one_thread);
    }
    {
      const Busy busy(2, false);
      row(pool, name, "2 others, busy", one_thread);
    }
  }
  return 0;
}

}  // namespace
}  // namespace kilotoken

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : kilotoken::usable_cpu_count();
  if (threads < 1) {
    std::fputs("usage: pool_speed [threads], threads >= 1\n", stderr);
    return 1;
  }
  return kilotoken::run(threads);
}
