#include "engine/run/engine_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kilotoken {
namespace {

// Passes deltas on; the request counts as in flight for as long as anybody holds this.
class CountingSink final : public OutputSink {
 public:
  CountingSink(std::shared_ptr<OutputSink> inner, int sequences, std::atomic<int>& in_flight)
      : inner_(std::move(inner)), sequences_(sequences), in_flight_(in_flight) {}
  ~CountingSink() override { in_flight_ -= sequences_; }

  void on_delta(const ChoiceDelta& delta) override { inner_->on_delta(delta); }

 private:
  std::shared_ptr<OutputSink> inner_;
  int sequences_;
  std::atomic<int>& in_flight_;
};

}  // namespace

EngineThread::EngineThread(std::unique_ptr<Engine> engine, const PagePool& pool, const Clock& clock,
                           int max_in_flight, int quiet_ms)
    : engine_(std::move(engine)),
      limits_(engine_->limits()),
      pool_(pool),
      clock_(clock),
      max_in_flight_(max_in_flight),
      quiet_ms_(quiet_ms) {
  note_step(/*progress=*/true);
  thread_ = std::thread([this] { loop(); });
}

EngineThread::~EngineThread() { stop(); }

Result<void> EngineThread::submit(std::shared_ptr<const Request> request,
                                  std::shared_ptr<OutputSink> sink) {
  if (draining_) return Error{ErrorCode::kUnavailable, "the server is shutting down", {}};
  KT_TRY_VOID(limits_.check(*request));
  const int sequences = request->sampling.n;
  // Counted first and taken back on refusal, so that no two threads pass the limit together.
  if (in_flight_.fetch_add(sequences) + sequences > max_in_flight_) {
    in_flight_ -= sequences;
    return Error{ErrorCode::kFull,
                 "the queue is full (" + std::to_string(max_in_flight_) +
                     " sequences in flight): try again later",
                 {}};
  }
  auto counting = std::make_shared<CountingSink>(std::move(sink), sequences, in_flight_);
  {
    const std::lock_guard lock(mutex_);
    commands_.emplace_back(Add{std::move(request), std::move(counting)});
    if (!std::exchange(has_work_, true)) progress_ns_ = clock_.now_ns();
  }
  wake_.notify_one();
  return {};
}

void EngineThread::cancel(RequestId id) {
  {
    const std::lock_guard lock(mutex_);
    commands_.emplace_back(Cancel{id});
  }
  wake_.notify_one();
}

void EngineThread::inspect(std::function<void(const Engine&)> look) {
  {
    const std::lock_guard lock(mutex_);
    commands_.emplace_back(Inspect{std::move(look)});
  }
  wake_.notify_one();
}

void EngineThread::drain() { draining_ = true; }

void EngineThread::stop() {
  draining_ = true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

EngineThread::Load EngineThread::load() const {
  const std::lock_guard lock(mutex_);
  Load load = load_;
  if (has_work_) load.without_progress_ns = clock_.now_ns() - progress_ns_;
  return load;
}

// Until somebody calls, or there is something to do without a call.
void EngineThread::wait_for_command(std::unique_lock<std::mutex>& lock) {
  const auto called = [&] { return stopping_ || !commands_.empty(); };
  if (const std::optional<int64_t> wakes_at_ns = engine_->wakes_at_ns()) {
    const int64_t left_ns = std::max<int64_t>(0, *wakes_at_ns - clock_.now_ns());
    wake_.wait_for(lock, std::chrono::nanoseconds(left_ns), called);
    return;
  }
  if (!checked_ && !wake_.wait_for(lock, std::chrono::milliseconds(quiet_ms_), called)) {
    lock.unlock();
    engine_->scheduler().check_integrity();
    lock.lock();
    ++load_.integrity_checks;
    checked_ = true;
  }
  wake_.wait(lock, called);
}

bool EngineThread::take_commands(bool wait) {
  std::vector<Command> commands;
  {
    std::unique_lock lock(mutex_);
    if (wait) wait_for_command(lock);
    if (stopping_) return false;
    commands.swap(commands_);
  }
  for (Command& command : commands) apply(command);
  return true;
}

void EngineThread::apply(Command& command) {
  if (auto* add = std::get_if<Add>(&command)) {
    engine_->add(std::move(add->request), std::move(add->sink));
  } else if (const auto* cancel = std::get_if<Cancel>(&command)) {
    engine_->cancel(cancel->id);
  } else {
    std::get<Inspect>(command).look(*engine_);
  }
}

void EngineThread::note_step(bool progress) {
  const std::lock_guard lock(mutex_);
  load_.running = engine_->running_count();
  load_.waiting = engine_->waiting_count();
  load_.pages_used = engine_->pages_in_use();
  load_.page_count = pool_.page_count();
  load_.token_budget = engine_->scheduler().token_budget();
  load_.preemptions = engine_->preemption_count();
  if (progress) {
    checked_ = false;
    progress_ns_ = clock_.now_ns();
    ++load_.steps;
  }
  has_work_ = load_.running + load_.waiting > 0 || !commands_.empty();
}

void EngineThread::loop() {
  bool idle = true;
  while (take_commands(/*wait=*/idle)) {
    idle = !engine_->step();
    note_step(/*progress=*/!idle);
  }
  engine_.reset();  // drops every sink
}

}  // namespace kilotoken
