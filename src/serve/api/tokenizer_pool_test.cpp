// The pool's limits and its end.

#include "serve/api/tokenizer_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace kilotoken {
namespace {

class Writer final : public ResponseWriter {
 public:
  void send(HttpResponse response) override { status = response.status; }
  void begin_stream(int, HttpHeaders) override {}
  void write(std::string) override {}
  void end() override {}
  void abort() override {}
  void on_closed(std::function<void()>) override {}
  bool closed() const override { return gone; }

  std::atomic<int> status{0};
  std::atomic<bool> gone{false};
};

// Holds one of the pool's threads until it is told to go on.
class Gate {
 public:
  explicit Gate(TokenizerPool& pool) {
    const auto held = [state = state_] {
      state->inside.set_value();
      state->opened.get_future().wait();
    };
    EXPECT_TRUE(pool.submit(std::make_shared<Writer>(), 0, held).ok());
    EXPECT_EQ(state_->inside.get_future().wait_for(std::chrono::seconds(60)),
              std::future_status::ready)
        << "no thread is free";
  }
  ~Gate() { open(); }
  void open() {
    if (!std::exchange(is_open_, true)) state_->opened.set_value();
  }

 private:
  struct State {
    std::promise<void> inside, opened;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();  // the thread leaves after us
  bool is_open_ = false;
};

std::shared_ptr<Writer> new_writer() { return std::make_shared<Writer>(); }

TEST(TokenizerPool, DoesItsJobsInOrderAndIsIdleAfterwards) {
  MetricsRegistry metrics;
  TokenizerPool pool({}, metrics);
  std::vector<int> done;
  std::promise<void> last;
  {
    Gate gate(pool);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(pool.submit(new_writer(), 1, [&done, i] { done.push_back(i); }).ok());
    }
    ASSERT_TRUE(pool.submit(new_writer(), 1, [&last] { last.set_value(); }).ok());
    EXPECT_FALSE(pool.idle());
  }
  last.get_future().wait();
  EXPECT_EQ(done, (std::vector<int>{0, 1, 2, 3, 4}));
  pool.stop();
  EXPECT_TRUE(pool.idle());
}

TEST(TokenizerPool, EachThreadTakesAJobAndIsCounted) {
  MetricsRegistry metrics;
  TokenizerPool pool({.threads = 3}, metrics);
  {
    const Gate first(pool), second(pool), third(pool);  // all three are held at once
  }
  pool.stop();
  for (const char* thread : {"0", "1", "2"}) {
    const Counter& taken =
        metrics.counter("kilotoken:tokenizer_requests_total",
                        "Requests by the tokenizer thread that took them.", {{"thread", thread}});
    EXPECT_EQ(taken.value(), 1) << thread;
  }
}

TEST(TokenizerPool, RefusesWhatIsTooMany) {
  MetricsRegistry metrics;
  TokenizerPool pool({.threads = 1, .max_waiting = 2, .max_waiting_bytes = 100}, metrics);
  Gate gate(pool);
  EXPECT_TRUE(pool.submit(new_writer(), 60, [] {}).ok());
  EXPECT_EQ(pool.submit(new_writer(), 41, [] {}).error().code, ErrorCode::kFull) << "bytes";
  EXPECT_TRUE(pool.submit(new_writer(), 40, [] {}).ok());
  EXPECT_EQ(pool.submit(new_writer(), 0, [] {}).error().code, ErrorCode::kFull) << "jobs";
}

TEST(TokenizerPool, DropsTheJobOfAClientThatIsGone) {
  MetricsRegistry metrics;
  TokenizerPool pool({}, metrics);
  std::atomic<bool> done{false};
  const auto gone = new_writer();
  std::promise<void> last;
  {
    Gate gate(pool);
    ASSERT_TRUE(pool.submit(gone, 1, [&done] { done = true; }).ok());
    ASSERT_TRUE(pool.submit(new_writer(), 1, [&last] { last.set_value(); }).ok());
    gone->gone = true;
  }
  last.get_future().wait();
  EXPECT_FALSE(done);
}

TEST(TokenizerPool, AnswersWhatStillWaitsWhenItStops) {
  MetricsRegistry metrics;
  TokenizerPool pool({}, metrics);
  std::atomic<bool> done{false};
  const auto waiting = new_writer();
  Gate gate(pool);
  ASSERT_TRUE(pool.submit(waiting, 1, [&done] { done = true; }).ok());
  std::thread stopper([&pool] { pool.stop(); });
  while (waiting->status == 0) std::this_thread::yield();
  EXPECT_EQ(waiting->status, 503);
  EXPECT_EQ(pool.submit(new_writer(), 1, [] {}).error().code, ErrorCode::kUnavailable);
  gate.open();
  stopper.join();
  EXPECT_FALSE(done);
}

}  // namespace
}  // namespace kilotoken
