#pragma once
// EngineThread: runs an Engine on a thread of its own. Commands go in through a queue, deltas come
// out through each request's sink; nothing else is shared.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "engine/run/engine.h"

namespace kilotoken {

class EngineThread {
 public:
  // `max_in_flight`: sequences accepted and not ended, running or waiting. After `quiet_ms` without
  // work the books of pages and prefixes are checked (once each time).
  EngineThread(std::unique_ptr<Engine> engine, const PagePool& pool, const Clock& clock,
               int max_in_flight, int quiet_ms = 1000);
  ~EngineThread();  // stop(), if nobody did

  // kFull when the queue is at its limit, kUnavailable when draining, and what EngineLimits
  // refuse. Any thread.
  Result<void> submit(std::shared_ptr<const Request> request, std::shared_ptr<OutputSink> sink);
  void cancel(RequestId id);
  // Calls back on the engine's thread, between steps; not at all once it stops. Any thread.
  void inspect(std::function<void(const Engine&)> look);

  void drain();  // refuse new requests; returns at once
  bool idle() const { return in_flight_.load() == 0; }
  int in_flight() const { return in_flight_.load(); }  // sequences accepted and not ended
  void stop();                                         // cancel everything and join

  struct Load {
    int running = 0, waiting = 0;
    int pages_used = 0, page_count = 0;  // used: by running sequences
    int64_t preemptions = 0;
    int64_t steps = 0;
    int64_t integrity_checks = 0;
    int token_budget = 0;  // of a step
    // With work to do: since the last step that did some of it, or since the work came. Else 0.
    int64_t without_progress_ns = 0;
  };
  Load load() const;  // of the last step, but for without_progress_ns; any thread

 private:
  struct Add {
    std::shared_ptr<const Request> request;
    std::shared_ptr<OutputSink> sink;
  };
  struct Cancel {
    RequestId id;
  };
  struct Inspect {
    std::function<void(const Engine&)> look;
  };
  using Command = std::variant<Add, Cancel, Inspect>;
  void loop();
  bool take_commands(bool wait);  // false: stop
  void wait_for_command(std::unique_lock<std::mutex>& lock);
  void apply(Command& command);
  void note_step(bool progress);

  std::unique_ptr<Engine> engine_;
  const EngineLimits limits_;
  const PagePool& pool_;
  const Clock& clock_;
  const int max_in_flight_, quiet_ms_;
  bool checked_ = false;  // since it last had work; the engine's thread only
  std::atomic<int> in_flight_{0};
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Command> commands_;  // guarded by mutex_, as are the next four
  bool stopping_ = false;
  bool has_work_ = false;
  int64_t progress_ns_ = 0;  // clock when the last step with work ended, or when work came
  Load load_;
  std::thread thread_;
};

}  // namespace kilotoken
