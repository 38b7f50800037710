#include "net/event_loop.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/check.h"

namespace kilotoken {
namespace {

constexpr uint64_t kTimer = 0, kWake = 1;

void add(int epoll, int fd, uint32_t events, uint64_t number) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = number;
  KT_CHECK_EQ(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

}  // namespace

EventLoop::EventLoop(const Clock& clock) : clock_(clock) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  KT_CHECK(epoll_ >= 0 && timer_ >= 0 && wake_ >= 0, "no file descriptors left: raise ulimit -n");
  add(epoll_, timer_, EPOLLIN, kTimer);
  add(epoll_, wake_, EPOLLIN, kWake);
}

EventLoop::~EventLoop() {
  for (const int fd : {epoll_, timer_, wake_}) ::close(fd);
}

void EventLoop::watch(int fd, uint32_t events, Watcher& watcher) {
  const uint64_t number = next_number_++;
  by_fd_[fd] = {number, &watcher};
  by_number_[number] = &watcher;
  add(epoll_, fd, events, number);
}

void EventLoop::change(int fd, uint32_t events, Watcher& watcher) {
  const auto found = by_fd_.find(fd);
  KT_CHECK(found != by_fd_.end() && found->second.watcher == &watcher);
  epoll_event event{};
  event.events = events;
  event.data.u64 = found->second.number;
  KT_CHECK_EQ(::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event), 0);
}

void EventLoop::forget(int fd) {
  const auto found = by_fd_.find(fd);
  if (found == by_fd_.end()) return;
  by_number_.erase(found->second.number);
  by_fd_.erase(found);
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::at(int64_t when_ns, std::function<void()> action) {
  const TimerId timer{when_ns, next_timer_++};
  timers_.emplace(timer, std::move(action));
  return timer;
}

void EventLoop::cancel(TimerId timer) { timers_.erase(timer); }

void EventLoop::run_timers() {
  // Timers that others set for now or earlier wait for the next round: sockets get their turn.
  const uint64_t newest = next_timer_;
  const int64_t now = clock_.now_ns();
  auto timer = timers_.begin();
  while (timer != timers_.end() && timer->first.first <= now) {
    if (timer->first.second >= newest) {
      ++timer;
      continue;
    }
    const std::function<void()> action = std::move(timer->second);
    timers_.erase(timer);
    action();
    timer = timers_.begin();
  }
}

void EventLoop::arm() {
  const int64_t due = timers_.empty() ? 0 : std::max<int64_t>(timers_.begin()->first.first, 1);
  if (due == armed_ns_) return;
  armed_ns_ = due;
  itimerspec when{};
  when.it_value.tv_sec = due / 1'000'000'000;
  when.it_value.tv_nsec = due % 1'000'000'000;
  ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void EventLoop::run() {
  std::array<epoll_event, 256> events;
  stopped_ = false;
  while (!stopped_) {
    run_timers();
    if (stopped_) break;
    arm();
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    KT_CHECK(count >= 0 || errno == EINTR, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      const uint64_t number = event.data.u64;  // a copy: epoll_event is packed
      if (number == kWake || number == kTimer) {
        uint64_t ignored = 0;
        const int fd = number == kWake ? wake_ : timer_;
        if (fd == timer_) armed_ns_ = 0;  // it has gone off, or is read in vain and armed again
        if (::read(fd, &ignored, sizeof ignored) > 0 && fd == wake_) stopped_ = true;
        continue;
      }
      const auto found = by_number_.find(number);
      if (found != by_number_.end()) found->second->on_ready(event.events);
    }
  }
}

void EventLoop::stop() {
  const uint64_t one = 1;
  static_cast<void>(!::write(wake_, &one, sizeof one));
}

}  // namespace kilotoken
