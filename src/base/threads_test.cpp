#include "base/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <vector>

namespace kilotoken {
namespace {

TEST(ThreadPool, RunsEachIndexExactlyOnceOnGrainBounds) {
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    ASSERT_EQ(pool.size(), threads);
    for (const int64_t count : {0, 1, 2, 3, 7, 16, 63, 64, 65, 1000, 4097}) {
      for (const int64_t grain : {1, 2, 3, 16, 64, 5000}) {
        std::vector<int> times(static_cast<size_t>(count), 0);
        std::atomic<int> bad_bounds{0};
        pool.run(count, grain, [&](int worker, int64_t begin, int64_t end) {
          const bool good = worker >= 0 && worker < threads && begin < end && end <= count &&
                            begin % grain == 0 && (end % grain == 0 || end == count);
          if (!good) ++bad_bounds;
          for (int64_t i = begin; i < end; ++i) ++times[static_cast<size_t>(i)];
        });
        EXPECT_EQ(bad_bounds, 0) << count << " by " << grain;
        EXPECT_EQ(std::count(times.begin(), times.end(), 1), count) << count << " by " << grain;
      }
    }
  }
}

TEST(ThreadPool, EachWorkerNumberIsUsedByOneThreadAtATime) {
  ThreadPool pool(4);
  std::array<std::atomic<int>, 4> inside{};
  std::atomic<int> clashes{0};
  for (int round = 0; round < 200; ++round) {
    pool.run(64, 1, [&](int worker, int64_t, int64_t) {
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
    pool.run(97, 1 + round % 5, [&](int, int64_t begin, int64_t end) {
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
    pool.run(100, 1, [&](int, int64_t begin, int64_t end) { sum += end - begin; });
  }
  EXPECT_EQ(sum, 30'000);
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
