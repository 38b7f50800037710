#pragma once
// AsyncRunner: has another runner compute on a thread of its own, so that submit() returns at once.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "engine/run/runner.h"

namespace kilotoken {

class AsyncRunner final : public Runner {
 public:
  explicit AsyncRunner(Runner& inner);  // which nobody else may call
  ~AsyncRunner() override;

  Ticket submit(const StepPlan& plan) override;
  StepResult wait(Ticket ticket) override;

 private:
  void work();

  Runner& inner_;
  std::mutex mutex_;
  std::condition_variable submitted_, computed_;
  std::deque<std::pair<Ticket, StepPlan>> plans_;  // guarded by mutex_, as are the next three
  std::unordered_map<Ticket, StepResult> results_;
  Ticket next_ticket_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kilotoken
