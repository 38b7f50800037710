#include "base/threads.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <set>
#include <vector>

namespace kilotoken {
namespace {

using RunLoop = void (ThreadPool::*)(int64_t, int64_t, LoopBody);
constexpr RunLoop kLoops[] = {&ThreadPool::run, &ThreadPool::run_static};

// Each index of `count` once, in pieces on grain bounds, by known workers.
void expect_each_index_once(ThreadPool& pool, RunLoop loop, int64_t count, int64_t grain) {
  std::vector<int> times(static_cast<size_t>(count), 0);
  std::atomic<int> bad_bounds{0};
  (pool.*loop)(count, grain, [&](int worker, int64_t begin, int64_t end) {
    const bool good = worker >= 0 && worker < pool.size() && begin < end && end <= count &&
                      begin % grain == 0 && (end % grain == 0 || end == count);
    if (!good) ++bad_bounds;
    for (int64_t i = begin; i < end; ++i) ++times[static_cast<size_t>(i)];
  });
  EXPECT_EQ(bad_bounds, 0) << count << " by " << grain;
  EXPECT_EQ(std::count(times.begin(), times.end(), 1), count) << count << " by " << grain;
}

TEST(ThreadPool, RunsEachIndexExactlyOnceOnGrainBounds) {
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    ASSERT_EQ(pool.size(), threads);
    for (const int64_t count : {0, 1, 2, 3, 7, 16, 63, 64, 65, 1000, 4097}) {
      for (const int64_t grain : {1, 2, 3, 16, 64, 5000}) {
        for (const RunLoop loop : kLoops) expect_each_index_once(pool, loop, count, grain);
      }
    }
  }
}

// Signals reach the thread sanitizer's threads only at calls that it knows.
#if defined(__SANITIZE_THREAD__)
constexpr bool kSignalsAreDeferred = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool kSignalsAreDeferred = true;
#else
constexpr bool kSignalsAreDeferred = false;
#endif
#else
constexpr bool kSignalsAreDeferred = false;
#endif

std::atomic<bool> held{false}, may_go{false};

// Holds the thread that gets the signal, as a scheduler does that has no CPU for it.
void hold_thread(int) {
  held = true;
  while (!may_go) {
  }
}

TEST(ThreadPool, AWorkerThatNeverRunsIsNotWaitedFor) {
  if (kSignalsAreDeferred) GTEST_SKIP() << "needs signals that arrive at once";
  ThreadPool pool(2);
  std::array<pthread_t, 2> threads{};
  std::atomic<int> arrived{0};
  pool.run(2, 1, [&](int worker, int64_t, int64_t) {
    threads[static_cast<size_t>(worker)] = pthread_self();
    ++arrived;
    while (arrived < 2) {
    }
  });
  std::signal(SIGUSR1, hold_thread);
  held = may_go = false;
  ASSERT_EQ(pthread_kill(threads[1], SIGUSR1), 0);
  while (!held) {
  }
  const int64_t before = pool.worker_pieces();
  for (const RunLoop loop : kLoops) {
    for (const int64_t count : {2, 100, 4097}) expect_each_index_once(pool, loop, count, 3);
  }
  EXPECT_EQ(pool.worker_pieces(), before);
  may_go = true;
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(ThreadPool, AFixedPartitionGivesEachWorkerItsOwnShareFirst) {
  for (int threads = 2; threads <= 3; ++threads) {
    ThreadPool pool(threads);
    for (int round = 0; round < 20; ++round) {
      std::array<int64_t, 3> first{-1, -1, -1};
      std::atomic<int> begun{0};
      // Whoever has begun waits for the others: nobody can take from another's share before.
      pool.run_static(10 * threads, 1, [&](int worker, int64_t begin, int64_t) {
        int64_t& mine = first[static_cast<size_t>(worker)];
        if (mine >= 0) return;
        mine = begin;
        ++begun;
        while (begun < threads) {
        }
      });
      for (int worker = 0; worker < threads; ++worker) {
        EXPECT_EQ(first[static_cast<size_t>(worker)], 10 * worker);
      }
    }
  }
}

TEST(ThreadPool, PinnedWorkersHaveOneCpuEachAndDoTheSame) {
  const int cpus = usable_cpu_count();
  ThreadPool pool(std::min(cpus, 3), ThreadPool::Pinning::kWorkers);
  EXPECT_EQ(pool.pinned(), pool.size() > 1 || cpus == 1);
  for (const RunLoop loop : kLoops) expect_each_index_once(pool, loop, 1000, 3);
  EXPECT_FALSE(ThreadPool(cpus + 1, ThreadPool::Pinning::kWorkers).pinned());
  EXPECT_FALSE(ThreadPool(1).pinned());
}

TEST(ThreadPool, EachWorkerNumberIsUsedByOneThreadAtATime) {
  ThreadPool pool(4);
  std::array<std::atomic<int>, 4> inside{};
  std::atomic<int> clashes{0};
  for (int round = 0; round < 200; ++round) {
    (pool.*kLoops[round % 2])(64, 1, [&](int worker, int64_t, int64_t) {
      if (inside[static_cast<size_t>(worker)].fetch_add(1) != 0) ++clashes;
      inside[static_cast<size_t>(worker)].fetch_sub(1);
    });
  }
  EXPECT_EQ(clashes, 0);
}

TEST(ThreadPool, TheResultOfOneLoopIsSeenByTheNext) {
  ThreadPool pool(3);
  std::vector<int64_t> values(97, 0);  // plain memory: a missing order between loops is a data race
  for (int round = 0; round < 10'000; ++round) {
    (pool.*kLoops[round / 2 % 2])(97, 1 + round % 5, [&](int, int64_t begin, int64_t end) {
      // Reads a neighbour written in the loop before, perhaps by another thread.
      for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>(i)] += 1;
    });
    ASSERT_EQ(values[static_cast<size_t>(round % 97)], round + 1);
  }
  EXPECT_EQ(std::set<int64_t>(values.begin(), values.end()), std::set<int64_t>{10'000});
}

TEST(ThreadPool, MoreThreadsThanCpusStillFinish) {
  ThreadPool pool(usable_cpu_count() * 4);
  std::atomic<int64_t> sum{0};
  for (int round = 0; round < 300; ++round) {
    (pool.*kLoops[round % 2])(100, 1, [&](int, int64_t begin, int64_t end) { sum += end - begin; });
  }
  EXPECT_EQ(sum, 30'000);
}

// A worker that just woke for the last loop, or for none, must see that the pool ends.
TEST(ThreadPool, EndsWhateverItsWorkersAreDoing) {
  for (int i = 0; i < 2000; ++i) {
    ThreadPool pool(3);
    for (int loops = i % 3; loops > 0; --loops) pool.run(8, 1, [](int, int64_t, int64_t) {});
  }
}

TEST(ThreadPool, OtherThreadsTakePart) {
  ThreadPool pool(2);
  std::atomic<int> arrived{0};
  // Each of the two pieces waits for the other: only two threads can finish this loop.
  pool.run(2, 1, [&](int, int64_t, int64_t) {
    ++arrived;
    while (arrived < 2) {
    }
  });
  EXPECT_EQ(arrived, 2);
}

TEST(ThreadPoolDeathTest, ALoopInsideALoopIsAProgrammerError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        ThreadPool pool(2);
        pool.run(8, 1,
                 [&](int, int64_t, int64_t) { pool.run(8, 1, [](int, int64_t, int64_t) {}); });
      },
      "inside a loop");
}

TEST(UsableCpuCount, IsAtLeastOne) { EXPECT_GE(usable_cpu_count(), 1); }

}  // namespace
}  // namespace kilotoken
