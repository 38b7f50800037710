#include "measure/bench/load_client.h"

#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "measure/bench/flight.h"

namespace kilotoken::bench {
namespace {

constexpr int64_t kBeatNs = 10'000'000;
constexpr int64_t kBeforeBeginNs = 20'000'000;  // for the threads to be there
constexpr int kStartsATurn = 16;                // then the sockets get theirs

double thread_cpu_s() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Time that this thread could have run and did not, as the kernel counts it.
double thread_queued_s() {
  std::ifstream file("/proc/thread-self/schedstat");
  double ran_ns = 0, queued_ns = -1;
  file >> ran_ns >> queued_ns;
  return file ? queued_ns * 1e-9 : -1;
}

void allow_many_connections() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// What the threads share: whose turn it is.
struct Queue {
  std::atomic<size_t> next_session{0};
  std::atomic<int> next_index{0};
};

// A session's next request.
struct Due {
  size_t session = 0;
  int turn = 0;
  int64_t due_ns = 0;  // absolute; 0: as soon as there is room
  std::shared_ptr<Said> said;
};

class Worker final : public Flight::Owner {
 public:
  Worker(const Plan& plan, const LoadOptions& options, const Clock& clock, Queue& queue, int slots,
         int max_in_flight, LoadProgress& progress, const std::atomic<bool>& stop)
      : plan_(plan),
        options_(options),
        queue_(queue),
        slots_(slots),
        max_in_flight_(max_in_flight),
        progress_(progress),
        stop_(stop),
        loop_(clock),
        client_(loop_, options.target) {}

  void run(int64_t begin_ns) {
    begin_ns_ = begin_ns;
    const double cpu = thread_cpu_s(), queued = thread_queued_s();
    const int64_t start = loop_.now_ns();
    loop_.at(begin_ns, [this] { pump(); });
    beat(begin_ns + kBeatNs);
    loop_.run();
    health_.cpu_s = thread_cpu_s() - cpu;
    health_.queued_s = queued < 0 ? -1 : thread_queued_s() - queued;
    health_.wall_s = static_cast<double>(loop_.now_ns() - start) * 1e-9;
  }

  void hand_over(LoadRun& run) {
    std::move(records_.begin(), records_.end(), std::back_inserter(run.records));
    ClientHealth& all = run.health;
    all.threads.push_back(health_);
    all.late_ms.insert(all.late_ms.end(), late_ms_.begin(), late_ms_.end());
    all.events += events_;
    all.read_bytes += client_.counts().read_bytes;
    all.reads += client_.counts().reads;
    all.connections += client_.counts().opened;
    all.resent += client_.counts().resent;
    run.interrupted = run.interrupted || interrupted_;
  }

 private:
  void beat(int64_t due_ns) {
    loop_.at(due_ns, [this, due_ns] {
      const int64_t now = loop_.now_ns();
      late_ms_.push_back(static_cast<double>(now - due_ns) * 1e-6);
      landed_.clear();
      if (stop_.load(std::memory_order_relaxed)) return interrupt(now);
      if (++beats_ % 10 == 0) look_for_timeouts(now);
      // From the moment it was due, not from now: a stalled thread has missed several.
      beat(std::max(due_ns + kBeatNs, now - now % kBeatNs));
    });
  }

  void interrupt(int64_t now) {
    interrupted_ = true;
    exhausted_ = true;
    due_.clear();
    give_up_where(
        now, [](const Flight&) { return true; }, Outcome::kInterrupted, "the run was stopped");
    loop_.stop();
  }

  void look_for_timeouts(int64_t now) {
    give_up_where(
        now, [&](const Flight& f) { return now - f.record.start_ns > options_.request_timeout_ns; },
        Outcome::kTimedOut, "not complete within --request-timeout");
    give_up_where(
        now, [&](const Flight& f) { return now - f.last_news_ns > options_.stall_timeout_ns; },
        Outcome::kStalled, "nothing came for --stall-timeout");
  }

  template <typename Wanted>
  void give_up_where(int64_t now, Wanted wanted, Outcome outcome, const char* why) {
    std::vector<Flight*> ending;
    for (const auto& [flight, owned] : flights_) {
      if (wanted(*flight)) ending.push_back(flight);
    }
    for (Flight* flight : ending) flight->give_up(outcome, why, now);
  }

  bool full() const { return slots_ > 0 && static_cast<int>(flights_.size()) >= slots_; }

  // Takes the next session when there is none waiting that no turn has begun.
  void claim() {
    if (claimed_ || exhausted_) return;
    const size_t session = queue_.next_session.fetch_add(1);
    if (session >= plan_.sessions.size()) {
      exhausted_ = true;
      return;
    }
    const int64_t due = plan_.open_loop ? begin_ns_ + plan_.sessions[session].due_ns : 0;
    due_.emplace(due, Due{session, 0, due, std::make_shared<Said>()});
    claimed_ = true;
  }

  // Starts what is due, as far as there is room.
  void pump() {
    if (pump_timer_) loop_.cancel(*std::exchange(pump_timer_, std::nullopt));
    for (int started = 0;; ++started) {
      if (full()) return;
      claim();
      if (due_.empty()) break;
      const int64_t due = due_.begin()->first, now = loop_.now_ns();
      if (options_.duration_ns > 0 && now - begin_ns_ > options_.duration_ns) {
        exhausted_ = true;
        due_.clear();
        break;
      }
      if (due > now || started == kStartsATurn) {
        pump_timer_ = loop_.at(due > now ? due : 0, [this] {
          pump_timer_.reset();
          pump();
        });
        return;
      }
      Due next = std::move(due_.begin()->second);
      due_.erase(due_.begin());
      if (next.turn == 0) claimed_ = false;
      start(std::move(next), now);
    }
    if (flights_.empty()) loop_.stop();
  }

  void start(Due next, int64_t now) {
    const Session& session = plan_.sessions[next.session];
    const Turn& turn = session.turns[static_cast<size_t>(next.turn)];
    auto flight = std::make_unique<Flight>(*this, options_.max_line_bytes);
    RequestRecord& record = flight->record;
    record.index = queue_.next_index.fetch_add(1);
    record.session = static_cast<int>(next.session);
    record.turn = next.turn;
    record.klass = session.klass;
    record.planned_input = turn.input_tokens;
    record.max_tokens = turn.max_tokens;
    record.chunks.reserve(static_cast<size_t>(std::clamp(turn.max_tokens, 1, 4096)));
    ++progress_.issued;
    const bool timed = next.due_ns > 0;
    record.intended_ns = timed ? next.due_ns : now;
    record.ready_ns = timed ? std::max(next.due_ns, slot_free_ns_) : now;
    if (max_in_flight_ > 0 && static_cast<int>(flights_.size()) >= max_in_flight_) {
      record.start_ns = record.done_ns = now;
      record.outcome = Outcome::kDropped;
      record.error = "over --max-in-flight at its moment";
      ++progress_.failed;
      records_.push_back(std::move(record));
      return;
    }
    flight->session = next.session;
    flight->said = std::move(next.said);
    HttpHeaders headers = options_.headers;
    if (!options_.request_id_prefix.empty()) {
      headers.emplace_back("x-request-id",
                           options_.request_id_prefix + std::to_string(record.index));
    }
    std::string bytes = http_request(
        options_.target->url(), "POST", options_.shape.path, headers,
        request_body(options_.shape, session, static_cast<size_t>(next.turn), *flight->said));
    record.start_ns = flight->last_news_ns = loop_.now_ns();
    flight->id = client_.send(std::move(bytes), *flight);
    Flight* const key = flight.get();
    flights_.emplace(key, std::move(flight));
  }

  void on_tokens(int count) override {
    progress_.tokens.fetch_add(count, std::memory_order_relaxed);
  }

  void on_landed(Flight& flight, bool broken) override {
    const auto found = flights_.find(&flight);
    // Whoever called this is still within the flight; it is let go with the next beat.
    landed_.push_back(std::move(found->second));
    if (full()) slot_free_ns_ = loop_.now_ns();
    flights_.erase(found);
    if (broken) client_.cancel(flight.id);
    events_ += flight.events;
    RequestRecord& record = flight.record;
    ++(record.ok() ? progress_.completed : progress_.failed);
    const Session& session = plan_.sessions[flight.session];
    const size_t turn = static_cast<size_t>(record.turn);
    if (record.ok() && turn + 1 < session.turns.size() && !interrupted_) {
      flight.said->asked.push_back(session.turns[turn].text);
      flight.said->answered.push_back(record.text);
      const int64_t due = record.done_ns + session.turns[turn + 1].think_ns;
      due_.emplace(due, Due{flight.session, record.turn + 1, due, flight.said});
    }
    records_.push_back(std::move(record));
    if (!interrupted_) pump_soon();
  }

  // The timer that is set may be for a moment far off.
  void pump_soon() {
    if (pump_timer_ && pump_timer_->first == 0) return;
    if (pump_timer_) loop_.cancel(*pump_timer_);
    pump_timer_ = loop_.at(0, [this] {
      pump_timer_.reset();
      pump();
    });
  }

  const Plan& plan_;
  const LoadOptions& options_;
  Queue& queue_;
  const int slots_, max_in_flight_;  // this thread's share
  LoadProgress& progress_;
  const std::atomic<bool>& stop_;
  EventLoop loop_;
  HttpClient client_;
  int64_t begin_ns_ = 0, slot_free_ns_ = 0, events_ = 0, beats_ = 0;
  bool claimed_ = false, exhausted_ = false, interrupted_ = false;
  std::optional<EventLoop::TimerId> pump_timer_;
  std::multimap<int64_t, Due> due_;
  std::map<Flight*, std::unique_ptr<Flight>> flights_;
  std::vector<std::unique_ptr<Flight>> landed_;
  std::vector<RequestRecord> records_;
  std::vector<double> late_ms_;
  ThreadHealth health_;
};

}  // namespace

double ClientHealth::cpu_s() const {
  double sum = 0;
  for (const ThreadHealth& thread : threads) sum += thread.cpu_s;
  return sum;
}

LoadRun run_load(const Plan& plan, const LoadOptions& options, const Clock& clock,
                 LoadProgress& progress, const std::atomic<bool>& stop) {
  allow_many_connections();
  const int limit = options.max_concurrency, most = options.max_in_flight;
  int count = options.threads;  // no more than share in what is limited
  if (limit > 0) count = std::min(count, limit);
  if (most > 0) count = std::min(count, most);
  const auto share = [&](int all, int i) { return all / count + (i < all % count ? 1 : 0); };
  Queue queue;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<Worker>(plan, options, clock, queue, share(limit, i),
                                               share(most, i), progress, stop));
  }
  LoadRun run;
  run.begin_ns = clock.now_ns() + kBeforeBeginNs;
  std::vector<std::thread> threads;
  for (const auto& worker : workers) {
    threads.emplace_back([&worker, &run] { worker->run(run.begin_ns); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& worker : workers) worker->hand_over(run);
  std::sort(run.records.begin(), run.records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.index < b.index; });
  return run;
}

}  // namespace kilotoken::bench
