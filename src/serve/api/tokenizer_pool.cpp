#include "serve/api/tokenizer_pool.h"

#include <utility>

#include "serve/api/routes.h"

namespace kilotoken {
namespace {

Error shutting_down() { return {ErrorCode::kUnavailable, "the server is shutting down", {}}; }

}  // namespace

TokenizerPool::TokenizerPool(const TokenizerPoolConfig& config, MetricsRegistry& metrics)
    : config_(config) {
  KT_CHECK_GE(config_.threads, 1);
  for (int i = 0; i < config_.threads; ++i) {
    Counter& taken = metrics.counter("kilotoken:tokenizer_requests_total",
                                     "Requests by the tokenizer thread that took them.",
                                     {{"thread", std::to_string(i)}});
    threads_.emplace_back([this, &taken] { loop(taken); });
  }
}

TokenizerPool::~TokenizerPool() { stop(); }

Result<void> TokenizerPool::submit(std::shared_ptr<ResponseWriter> writer, size_t bytes,
                                   std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return shutting_down();
    if (waiting_.size() >= config_.max_waiting ||
        waiting_bytes_ + bytes > config_.max_waiting_bytes) {
      return Error{ErrorCode::kFull,
                   "the queue for tokenizing is full (" + std::to_string(waiting_.size()) +
                       " requests, " + std::to_string(waiting_bytes_) + " bytes): try again later",
                   {}};
    }
    waiting_bytes_ += bytes;
    waiting_.push_back({std::move(writer), bytes, std::move(job)});
  }
  wake_.notify_one();
  return {};
}

bool TokenizerPool::idle() const {
  const std::lock_guard lock(mutex_);
  return waiting_.empty() && busy_ == 0;
}

void TokenizerPool::stop() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
    waiting_bytes_ = 0;
  }
  wake_.notify_all();
  for (const Job& job : dropped) job.writer->send(to_response(shutting_down()));
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void TokenizerPool::loop(Counter& taken) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= job.bytes;
    ++busy_;
    lock.unlock();
    taken.add(1);
    if (!job.writer->closed()) job.work();
    job = {};  // its answer may end with it: before this counts as idle
    lock.lock();
    --busy_;
  }
}

}  // namespace kilotoken
