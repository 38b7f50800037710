#pragma once
// TokenizerPool: the threads on which a request's body is read, its template rendered and its text
// turned into tokens, so that neither a network thread nor the engine waits for them. What waits
// here is bounded in number and bytes.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "net/http.h"

namespace kilotoken {

struct TokenizerPoolConfig {
  int threads = 1;
  size_t max_waiting = 1024;              // jobs beyond those being done
  size_t max_waiting_bytes = 256u << 20;  // of their bodies
};

class TokenizerPool {
 public:
  // Counts in `metrics` the jobs that each thread has taken.
  TokenizerPool(const TokenizerPoolConfig& config, MetricsRegistry& metrics);
  ~TokenizerPool();  // stop()
  TokenizerPool(const TokenizerPool&) = delete;
  TokenizerPool& operator=(const TokenizerPool&) = delete;

  // Jobs begin in order. One whose client is gone by then is dropped, not done. `bytes`: what the
  // job holds while it waits. kFull at a limit, kUnavailable after stop(). Any thread.
  Result<void> submit(std::shared_ptr<ResponseWriter> writer, size_t bytes,
                      std::function<void()> job);

  bool idle() const;  // nothing waits and nothing is being done
  // Finishes the jobs being done, answers those waiting with 503, joins.
  void stop();

 private:
  struct Job {
    std::shared_ptr<ResponseWriter> writer;
    size_t bytes;
    std::function<void()> work;
  };
  void loop(Counter& taken);

  const TokenizerPoolConfig config_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;  // guarded by mutex_, as are the next three
  size_t waiting_bytes_ = 0;
  int busy_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kilotoken
