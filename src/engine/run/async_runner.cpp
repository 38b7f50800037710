#include "engine/run/async_runner.h"

namespace kilotoken {

AsyncRunner::AsyncRunner(Runner& inner) : inner_(inner), thread_([this] { work(); }) {}

AsyncRunner::~AsyncRunner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  submitted_.notify_one();
  thread_.join();
}

Ticket AsyncRunner::submit(const StepPlan& plan) {
  Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = next_ticket_++;
    plans_.emplace_back(ticket, plan);
  }
  submitted_.notify_one();
  return ticket;
}

StepResult AsyncRunner::wait(Ticket ticket) {
  std::unique_lock lock(mutex_);
  KT_CHECK(ticket > 0 && ticket < next_ticket_, "no such ticket");
  computed_.wait(lock, [&] { return results_.contains(ticket); });
  return std::move(results_.extract(ticket).mapped());
}

void AsyncRunner::work() {
  for (;;) {
    std::pair<Ticket, StepPlan> next;
    {
      std::unique_lock lock(mutex_);
      submitted_.wait(lock, [&] { return stopping_ || !plans_.empty(); });
      if (plans_.empty()) return;
      next = std::move(plans_.front());
      plans_.pop_front();
    }
    StepResult result = inner_.wait(inner_.submit(next.second));
    {
      const std::lock_guard lock(mutex_);
      results_.emplace(next.first, std::move(result));
    }
    computed_.notify_one();
  }
}

}  // namespace kilotoken
