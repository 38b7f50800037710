#include "bench/virtual_run.h"

#include <gtest/gtest.h>

#include <queue>

#include "measure/bench/arrivals.h"
#include "measure/bench/datasets.h"
#include "measure/bench/flight.h"
#include "measure/bench/null_stream.h"
#include "measure/bench/oracle.h"
#include "net/response_reader.h"

namespace kilotoken::bench::test {
namespace {

int64_t ns(double ms) { return static_cast<int64_t>(ms * 1e6); }

// One request: bytes of the server in, its record out.
class Exchange final : Flight::Owner, ResponseReader::Sink {
 public:
  explicit Exchange(RequestRecord begun) {
    now_ns_ = begun.start_ns;
    flight_.record = std::move(begun);
    reader_.begin();
    flight_.on_sent(now_ns_);
  }

  void hear(std::string_view bytes, int64_t at_ns) {
    now_ns_ = at_ns;
    EXPECT_TRUE(reader_.read(bytes, *this).ok());
    if (reader_.complete()) flight_.on_end(ClientEnd::kComplete, "", now_ns_);
  }
  RequestRecord take() {
    EXPECT_TRUE(landed_);
    return std::move(flight_.record);
  }

 private:
  void on_head(int status, const HttpHeaders& headers) override {
    flight_.on_head(status, headers, now_ns_);
  }
  void on_body(std::string_view piece) override { flight_.on_body(piece, now_ns_); }
  void on_tokens(int) override {}
  void on_landed(Flight&, bool) override { landed_ = true; }

  Flight flight_{*this, 1 << 20};
  ResponseReader reader_;
  int64_t now_ns_ = 0;
  bool landed_ = false;
};

RequestRecord answer(const VirtualServer& server, const VirtualLoad& load, RequestRecord begun) {
  const int index = begun.index;
  const bool later = static_cast<size_t>(index) >= load.count / 2;
  double ttft_ms = server.ttft_ms * (later ? server.slower : 1);
  if (index < server.cold_requests) ttft_ms += server.cold_ms;
  int64_t now = begun.start_ns + ns(ttft_ms);
  Exchange exchange(std::move(begun));
  if (index < server.refused) {
    exchange.hear(null_answer(429, "{}"), now);
    return exchange.take();
  }
  const bool wrong = index < server.miscounted;
  NullRequest request;
  request.max_tokens = load.tokens;
  request.continuous = !wrong;
  request.prompt_tokens = server.prompt_tokens;
  exchange.hear(null_stream_head(), now);
  for (int sent = 0; sent < load.tokens;) {
    if (sent > 0) now += ns(server.itl_ms);
    const int tokens = std::min(server.tokens_per_event, load.tokens - sent);
    sent += tokens;
    exchange.hear(null_token_event(request, tokens, sent, sent == load.tokens), now);
  }
  const int64_t counted = wrong ? load.tokens / 2 : load.tokens;
  exchange.hear(null_usage_event(request, counted, server.cached_tokens) + null_done(), now);
  return exchange.take();
}

Plan plan_of(const VirtualLoad& load) {
  DataOptions data;
  data.count = load.count;
  data.random_input_len = 16;
  data.random_output_len = load.tokens;
  const Words words(nullptr, 1);
  Result<Plan> plan = make_plan(data, words);
  EXPECT_TRUE(plan.ok());
  if (load.rate > 0) {
    ArrivalOptions constant;
    constant.rate = load.rate;
    constant.burstiness = std::numeric_limits<double>::infinity();
    const std::vector<int64_t> due = arrivals(load.count, constant);
    for (size_t i = 0; i < due.size(); ++i) plan->sessions[i].due_ns = due[i];
    plan->open_loop = true;
  }
  return std::move(plan).value();
}

}  // namespace

std::vector<std::string> VirtualRun::raised() const {
  std::vector<std::string> keys;
  for (const Badge& badge : badges) {
    if (badge.raised) keys.push_back(badge.key);
  }
  return keys;
}

VirtualRun run_virtually(const VirtualServer& server, const VirtualClient& client,
                         const VirtualLoad& load) {
  VirtualRun made{.plan = plan_of(load), .run = {}, .summary = {}, .badges = {}};
  LoadRun& run = made.run;
  run.begin_ns = ns(1000);
  std::priority_queue<int64_t, std::vector<int64_t>, std::greater<>> free_at;
  for (int i = 0; i < client.slots; ++i) free_at.push(run.begin_ns);
  for (size_t i = 0; i < load.count; ++i) {
    RequestRecord begun;
    begun.index = begun.session = static_cast<int>(i);
    begun.max_tokens = load.tokens;
    const int64_t due = run.begin_ns + made.plan.sessions[i].due_ns;
    const int64_t ready = std::max(due, free_at.top());
    free_at.pop();
    begun.start_ns = ready + ns(client.lag_ms);
    // Without a schedule there is no moment that a send could be behind.
    begun.ready_ns = made.plan.open_loop ? ready : begun.start_ns;
    begun.intended_ns = made.plan.open_loop ? due : begun.start_ns;
    run.records.push_back(answer(server, load, std::move(begun)));
    free_at.push(run.records.back().done_ns);
  }
  const double wall_s = static_cast<double>(free_at.top() - run.begin_ns) * 1e-9;
  run.health.threads.push_back({.cpu_s = client.busy * wall_s, .wall_s = wall_s, .queued_s = 0});
  run.health.late_ms.assign(1000, client.beat_late_ms);
  SummaryOptions options;
  options.from_intended = made.plan.open_loop;
  made.summary = summarise(run, made.plan.classes, options);
  made.oracle_hit_rate = oracle_hit_rate(made.plan, run, /*chat=*/false);
  made.badges = judge({.plan = made.plan,
                       .run = run,
                       .summary = made.summary,
                       .percentiles = options.percentiles,
                       .max_concurrency = client.slots,
                       .oracle_hit_rate = made.oracle_hit_rate});
  return made;
}

}  // namespace kilotoken::bench::test
