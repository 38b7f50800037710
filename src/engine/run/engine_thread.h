#pragma once
// EngineThread: runs an Engine on a thread of its own. Commands go in through a queue, deltas come
// out through each request's sink; nothing else is shared.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "engine/run/engine.h"

namespace kilotoken {

class EngineThread {
 public:
  // `max_in_flight`: sequences accepted and not ended, running or waiting.
  EngineThread(std::unique_ptr<Engine> engine, const PagePool& pool, const Clock& clock,
               int max_in_flight);
  ~EngineThread();  // stop(), if nobody did

  // kFull when the queue is at its limit, kUnavailable when draining. Any thread.
  Result<void> submit(std::shared_ptr<const Request> request, std::shared_ptr<OutputSink> sink);
  void cancel(RequestId id);

  void drain();  // refuse new requests; returns at once
  bool idle() const { return in_flight_.load() == 0; }
  int in_flight() const { return in_flight_.load(); }  // sequences accepted and not ended
  void stop();                                         // cancel everything and join

  struct Load {
    int running = 0, waiting = 0;
    int pages_used = 0, page_count = 0;
    int64_t preemptions = 0;
    int64_t steps = 0;
    int64_t last_step_ns = 0;  // clock of the last finished step, for health
  };
  Load load() const;  // of the last step; any thread

 private:
  struct Add {
    std::shared_ptr<const Request> request;
    std::shared_ptr<OutputSink> sink;
  };
  struct Cancel {
    RequestId id;
  };
  using Command = std::variant<Add, Cancel>;
  void loop();
  bool take_commands(bool wait);  // false: stop
  void apply(Command& command);
  void note_step();

  std::unique_ptr<Engine> engine_;
  const PagePool& pool_;
  const Clock& clock_;
  const int max_in_flight_;
  std::atomic<int> in_flight_{0};
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Command> commands_;  // guarded by mutex_, as are the next two
  bool stopping_ = false;
  Load load_;
  std::thread thread_;
};

}  // namespace kilotoken
