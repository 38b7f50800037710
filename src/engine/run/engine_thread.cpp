#include "engine/run/engine_thread.h"

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
                           int max_in_flight)
    : engine_(std::move(engine)), pool_(pool), clock_(clock), max_in_flight_(max_in_flight) {
  note_step();
  thread_ = std::thread([this] { loop(); });
}

EngineThread::~EngineThread() { stop(); }

Result<void> EngineThread::submit(std::shared_ptr<const Request> request,
                                  std::shared_ptr<OutputSink> sink) {
  if (draining_) return Error{ErrorCode::kUnavailable, "the server is shutting down", {}};
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
  return load_;
}

bool EngineThread::take_commands(bool wait) {
  std::vector<Command> commands;
  {
    std::unique_lock lock(mutex_);
    if (wait) wake_.wait(lock, [&] { return stopping_ || !commands_.empty(); });
    if (stopping_) return false;
    commands.swap(commands_);
  }
  for (Command& command : commands) apply(command);
  return true;
}

void EngineThread::apply(Command& command) {
  if (auto* add = std::get_if<Add>(&command)) {
    engine_->add(std::move(add->request), std::move(add->sink));
  } else {
    engine_->cancel(std::get<Cancel>(command).id);
  }
}

void EngineThread::note_step() {
  const std::lock_guard lock(mutex_);
  load_.running = engine_->running_count();
  load_.waiting = engine_->waiting_count();
  load_.pages_used = pool_.used_count();
  load_.page_count = pool_.page_count();
  load_.preemptions = engine_->preemption_count();
  load_.last_step_ns = clock_.now_ns();
  ++load_.steps;
}

void EngineThread::loop() {
  bool idle = true;
  while (take_commands(/*wait=*/idle)) {
    idle = !engine_->step();
    note_step();
  }
  engine_.reset();  // drops every sink
}

}  // namespace kilotoken
