#include "world.h"

#include <algorithm>
#include <map>
#include <set>

#include "checker.h"
#include "engine/run/simulated_runner.h"
#include "engine/run/step_timing.h"

namespace kilotoken::simulation {
namespace {

constexpr int64_t kMostSteps = 200'000;
constexpr size_t kAskedAgain = 4;  // requests repeated when all is over
constexpr int64_t kStepsToLearn = 500;

// Shows plans and results to the checker on their way.
class WatchedRunner final : public Runner {
 public:
  WatchedRunner(Runner& inner, Checker& checker) : inner_(inner), checker_(checker) {}
  void watch(const Scheduler& scheduler) { scheduler_ = &scheduler; }

  Ticket submit(const StepPlan& plan) override {
    checker_.see_plan(plan, *scheduler_);
    const Ticket ticket = inner_.submit(plan);
    under_way_.emplace(ticket, plan);
    return ticket;
  }
  StepResult wait(Ticket ticket) override {
    StepResult result = inner_.wait(ticket);
    const auto at = under_way_.find(ticket);
    checker_.see_result(at->second, result);
    if (!result.error.empty()) {  // what was begun on it fails with it
      for (const auto& [later, plan] : under_way_) checker_.see_failure(plan);
    }
    under_way_.erase(at);
    return result;
  }

 private:
  Runner& inner_;
  Checker& checker_;
  const Scheduler* scheduler_ = nullptr;
  std::map<Ticket, StepPlan> under_way_;
};

class World {
 public:
  World(const Scenario& scenario, Tally& tally)
      : scenario_(scenario), tally_(tally), checker_(scenario, clock_, pool_, tally) {
    pool_.shuffle(scenario.seed);
    pool_.on_free([this](int32_t page) { device_.kv().scramble(page); });
    watched_.watch(engine_.scheduler());
    for (const Client& client : scenario.clients) {
      if (client.leaves_after_ns >= 0) {
        const int64_t at = client.request->arrival_ns + client.leaves_after_ns;
        departures_.emplace(at, client.request->id);
      }
    }
  }

  Outcome run() {
    while (go_on()) {
      if (checker_.step_count() > kMostSteps) checker_.fail("it does not come to an end");
      if (checker_.failed()) return {checker_.failure(), checker_.trace()};
    }
    checker_.at_the_end(engine_.scheduler(), device_.open_count());
    check_step_times();
    count_run();
    return {checker_.failure(), checker_.trace()};
  }

 private:
  void count_run();
  void check_step_times();
  bool go_on();
  void let_clients_come_and_go();
  void leave(RequestId id, Count why);
  void ask_again();
  StepFault fault_of(const StepPlan& plan);

  const Scenario& scenario_;
  Tally& tally_;
  ManualClock clock_;
  PagePool pool_{scenario_.page_count};
  Checker checker_;
  SimulatedRunner device_{{scenario_.law, scenario_.jitter, scenario_.seed, kVocab,
                           scenario_.page_count, scenario_.scheduler.page_tokens},
                          clock_,
                          [this](const StepPlan& plan) { return fault_of(plan); }};
  WatchedRunner watched_{device_, checker_};
  StepTiming timing_;
  BothObservers observers_{checker_, &timing_};
  PrefixCache cache_{pool_, scenario_.scheduler.page_tokens};
  Engine engine_{scenario_.scheduler,
                 pool_,
                 scenario_.prefix_cache ? &cache_ : nullptr,
                 watched_,
                 nullptr,
                 clock_,
                 &observers_,
                 scenario_.loop};
  size_t arrived_ = 0;
  std::set<std::pair<int64_t, RequestId>> departures_;
  int64_t device_steps_ = 0;
  bool asked_again_ = false;
};

void World::count_run() {
  const SchedulerConfig& scheduler = scenario_.scheduler;
  tally_[kEvictedPages] += cache_.evicted_pages();
  ++tally_[kRuns];
  tally_[kOverlapRuns] += scenario_.loop == Loop::kOverlap ? 1 : 0;
  tally_[kStaticRuns] += scheduler.batching == Batching::kStatic ? 1 : 0;
  tally_[kOnePieceRuns] += scheduler.chunked_prefill ? 0 : 1;
  tally_[kNoCacheRuns] += scheduler.kv_cache ? 0 : 1;
}

// From the real scheduler's steps, hangs and failures among them, the law is learned by which they
// were timed: what remains is the jitter (half of it, in the median).
void World::check_step_times() {
  const StepTimeFit::Error error = timing_.learned().error;
  if (error.steps < kStepsToLearn) return;
  tally_[kPredictedSteps] += error.steps;
  if (error.median <= 0.6 * scenario_.jitter + 0.02) return;
  checker_.fail("step times are not learned: off by " + std::to_string(error.median));
}

StepFault World::fault_of(const StepPlan& plan) {
  StepFault fault;
  for (const PlannedFault& planned : scenario_.faults) {
    if (planned.step != device_steps_ || asked_again_) continue;
    if (planned.kind == FaultKind::kError) {
      fault.error = "the simulated device failed";
      ++tally_[kFailedSteps];
    } else if (planned.kind == FaultKind::kHang) {
      fault.hang_ns += planned.amount;
      ++tally_[kHangs];
    } else {
      const auto row = static_cast<size_t>(planned.amount) % plan.rows.size();
      fault.nan_rows.push_back(row);
      checker_.meets_nan(plan.rows[row].sequence);
      ++tally_[kNanRows];
    }
  }
  ++device_steps_;
  return fault;
}

void World::leave(RequestId id, Count why) {
  if (checker_.is_live(id)) {
    ++tally_[why];
    checker_.cancel(id);
  }
  engine_.cancel(id);  // of one that has ended, too: the news of it crosses with the cancel
}

void World::let_clients_come_and_go() {
  const auto& clients = scenario_.clients;
  const int64_t now_ns = clock_.now_ns();
  for (const RequestId id : checker_.clients_that_leave()) {
    const bool slow = id <= clients.size() && clients[id - 1].token_ns > 0;
    leave(id, slow ? kCutOff : kLeft);
  }
  while (arrived_ < clients.size() && clients[arrived_].request->arrival_ns <= now_ns) {
    const Client& client = clients[arrived_++];
    engine_.add(client.request, checker_.accept(client));
  }
  while (!departures_.empty() && departures_.begin()->first <= now_ns) {
    leave(departures_.begin()->second, kLeft);
    departures_.erase(departures_.begin());
  }
}

// When all is over: some of the requests again, those first that met a fault. They must go well.
void World::ask_again() {
  asked_again_ = true;
  checker_.no_more_faults();
  std::vector<RequestId> ids = checker_.requests_hit();
  for (const Client& client : scenario_.clients) ids.push_back(client.request->id);
  const RequestId first_free = scenario_.clients.size() + 1'000'000;
  for (size_t i = 0; i < std::min(kAskedAgain, ids.size()); ++i) {
    const auto of = std::ranges::find_if(
        scenario_.clients, [&](const Client& client) { return client.request->id == ids[i]; });
    auto request = std::make_shared<Request>(*of->request);
    request->id = first_free + i;
    request->arrival_ns = clock_.now_ns();
    Client patient;
    patient.request = request;
    engine_.add(request, checker_.accept(patient));
  }
}

// One step, or the time until somebody comes. False: all is over.
bool World::go_on() {
  let_clients_come_and_go();
  const bool busy = engine_.step();
  checker_.after_step(engine_.scheduler());
  if (busy) return true;
  int64_t next_ns = INT64_MAX;
  if (arrived_ < scenario_.clients.size()) {
    next_ns = scenario_.clients[arrived_].request->arrival_ns;
  }
  if (!departures_.empty()) next_ns = std::min(next_ns, departures_.begin()->first);
  const std::optional<int64_t> wakes_at_ns = engine_.wakes_at_ns();
  if (engine_.running_count() + engine_.waiting_count() > 0 && !wakes_at_ns) {
    checker_.fail("the engine stands still with work to do");
    return true;
  }
  if (wakes_at_ns) {
    if (*wakes_at_ns <= clock_.now_ns()) checker_.fail("the engine sleeps past its time");
    next_ns = std::min(next_ns, *wakes_at_ns);
  }
  if (next_ns < INT64_MAX) {
    clock_.advance_ns(std::max<int64_t>(0, next_ns - clock_.now_ns()));
    return true;
  }
  if (asked_again_) return false;
  ask_again();
  return true;
}

}  // namespace

Outcome run(const Scenario& scenario, Tally& tally) { return World(scenario, tally).run(); }

double steps_per_second(int sequences) {
  Scenario scenario;
  scenario.scheduler.max_num_seqs = sequences;
  scenario.page_count = sequences * 12;
  scenario.law.cost_ns[0] = 1e6;
  for (int i = 0; i < sequences; ++i) {
    auto request = std::make_shared<Request>();
    request->id = static_cast<RequestId>(i) + 1;
    for (int token = 0; token < 100; ++token) request->prompt.push_back(1 + (i + token) % 200);
    request->sampling.max_tokens = 600;
    Client client;
    client.request = std::move(request);
    scenario.clients.push_back(std::move(client));
  }
  Tally tally{};
  const SystemClock clock;
  const int64_t began_ns = clock.now_ns();
  while (clock.now_ns() - began_ns < 500'000'000) {
    const Outcome outcome = run(scenario, tally);
    KT_CHECK(outcome.failure.empty(), outcome.failure);
  }
  const double seconds = static_cast<double>(clock.now_ns() - began_ns) * 1e-9;
  return static_cast<double>(tally[kSteps]) / seconds;
}

}  // namespace kilotoken::simulation
