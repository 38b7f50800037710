#pragma once
// EventLoop: one thread that waits for sockets and for moments in time (Linux epoll and timerfd).
// For clients and measuring instruments, which want the time of an event from the thread that
// sees it; the server has its own.

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace kilotoken {

class EventLoop {
 public:
  class Watcher {
   public:
    virtual ~Watcher() = default;
    virtual void on_ready(uint32_t events) = 0;  // EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP
  };
  using TimerId = std::pair<int64_t, uint64_t>;

  explicit EventLoop(const Clock& clock);  // of the system: monotonic nanoseconds
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // On the loop's thread, or before it runs. A watcher stays until it is forgotten; a callback
  // may forget any.
  void watch(int fd, uint32_t events, Watcher& watcher);
  void change(int fd, uint32_t events, Watcher& watcher);
  void forget(int fd);

  TimerId at(int64_t when_ns, std::function<void()> action);
  void cancel(TimerId timer);  // one that has run, or was cancelled, is ignored

  void run();   // until stop()
  void stop();  // any thread, and signal handlers

  int64_t now_ns() const { return clock_.now_ns(); }

 private:
  void run_timers();
  void arm();

  const Clock& clock_;
  int epoll_ = -1, timer_ = -1, wake_ = -1;
  bool stopped_ = false;
  uint64_t next_timer_ = 0;
  int64_t armed_ns_ = 0;
  std::map<TimerId, std::function<void()>> timers_;
  // What epoll carries is a number, so that news of a socket forgotten meanwhile finds nobody.
  struct Watched {
    uint64_t number;
    Watcher* watcher;
  };
  std::unordered_map<int, Watched> by_fd_;
  std::unordered_map<uint64_t, Watcher*> by_number_;
  uint64_t next_number_ = 2;
};

}  // namespace kilotoken
