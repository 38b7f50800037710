#include "scenario.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/rng.h"
#include "engine/run/simulated_kv.h"

namespace kilotoken::simulation {
namespace {

constexpr int32_t kEos = 0;

// Draws one after the other.
class Dice {
 public:
  explicit Dice(uint64_t seed) : seed_(seed) {}
  double uniform() { return uniform_at(seed_, 77, drawn_++); }
  int below(int end) { return static_cast<int>(uniform() * end); }
  int between(int first, int last) { return first + below(last - first + 1); }
  bool chance(double p) { return uniform() < p; }
  template <typename T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<int>(values.size()))];
  }
  std::vector<int32_t> tokens(int count) {
    std::vector<int32_t> drawn;
    for (int i = 0; i < count; ++i) drawn.push_back(between(1, kVocab - 1));
    return drawn;
  }

 private:
  uint64_t seed_;
  uint64_t drawn_ = 0;
};

// Makes requests whose prompts begin alike often.
class Prompts {
 public:
  // A crowd: most of them are whole pages of one stem and a token, so that all who wait for these
  // pages have that one token to compute in the same step.
  Prompts(Dice& dice, int page_tokens, bool crowd)
      : dice_(dice), page_tokens_(page_tokens), crowd_(crowd) {
    longest_ = std::max(2, dice.one_of({0, 1, 3, 6, 12}) * page_tokens + dice.below(page_tokens));
    for (int i = dice.between(1, 3); i > 0; --i) stems_.push_back(dice.tokens(longest_));
  }

  std::vector<int32_t> next() {
    std::vector<int32_t> prompt;
    if (crowd_ && dice_.chance(0.9)) {
      const auto& stem = stems_.front();
      prompt.assign(stem.begin(), stem.end() - longest_ % page_tokens_);
      prompt.push_back(dice_.tokens(1).front());
      return prompt;
    }
    if (!made_.empty() && dice_.chance(0.25)) {  // the same again, or its answer and more
      const Request& earlier = *made_[static_cast<size_t>(dice_.below(count()))];
      prompt = earlier.prompt;
      if (dice_.chance(0.5)) {
        const RightOutput answer = right_output(earlier, 0, page_tokens_);
        prompt.insert(prompt.end(), answer.tokens.begin(), answer.tokens.end());
      }
    } else {
      const auto& stem = stems_[static_cast<size_t>(dice_.below(static_cast<int>(stems_.size())))];
      int kept = dice_.below(longest_ + 1);
      if (dice_.chance(0.5)) kept -= kept % page_tokens_;
      prompt.assign(stem.begin(), stem.begin() + kept);
    }
    if (prompt.empty() || dice_.chance(0.6)) {
      const auto more = dice_.tokens(dice_.between(1, std::max(2, longest_ / 3)));
      prompt.insert(prompt.end(), more.begin(), more.end());
    }
    if (static_cast<int>(prompt.size()) > 2 * longest_) {
      prompt.resize(static_cast<size_t>(2 * longest_));
    }
    return prompt;
  }
  void remember(std::shared_ptr<const Request> request) { made_.push_back(std::move(request)); }

 private:
  int count() const { return static_cast<int>(made_.size()); }
  Dice& dice_;
  int page_tokens_;
  bool crowd_;
  int longest_ = 0;
  std::vector<std::vector<int32_t>> stems_;
  std::vector<std::shared_ptr<const Request>> made_;
};

std::shared_ptr<const Request> draw_request(Dice& dice, Prompts& prompts, RequestId id,
                                            bool salted) {
  auto request = std::make_shared<Request>();
  request->id = id;
  request->prompt = prompts.next();
  if (salted) request->cache_salt = dice.one_of({"", "a", "b"});
  if (dice.chance(0.7)) request->eos_token_ids = {kEos};
  SamplingParams& sampling = request->sampling;
  sampling.seed = static_cast<uint64_t>(dice.below(3));
  sampling.max_tokens = dice.chance(0.05) ? 0 : dice.between(1, dice.one_of({4, 16, 48}));
  if (dice.chance(0.15)) sampling.n = dice.between(2, dice.one_of({2, 4, 10}));
  if (dice.chance(0.1)) sampling.ignore_eos = true;
  if (dice.chance(0.1)) sampling.min_tokens = dice.below(sampling.max_tokens + 1);
  if (dice.chance(0.1)) sampling.stop_token_ids = dice.tokens(8);
  if (dice.chance(0.1)) sampling.logprobs = 0;
  if (dice.chance(0.05)) sampling.prompt_logprobs = 0;
  prompts.remember(request);
  return request;
}

void draw_client(Dice& dice, Client& client, double rudeness) {
  if (dice.chance(rudeness)) client.leaves_after_ns = int64_t{dice.below(60)} * 1'000'000;
  if (dice.chance(rudeness)) client.leaves_after_tokens = dice.below(12);
  if (dice.chance(rudeness)) {
    client.token_ns = int64_t{dice.between(1, 50)} * 1'000'000;
    client.backlog = dice.between(1, 12);
  }
}

void draw_faults(Dice& dice, Scenario& scenario, int steps) {
  for (int i = dice.between(1, 6); i > 0; --i) {
    PlannedFault fault;
    fault.step = dice.below(steps);
    fault.kind = dice.one_of({FaultKind::kError, FaultKind::kHang, FaultKind::kNan});
    if (fault.kind == FaultKind::kHang)
      fault.amount = int64_t{dice.between(1, 300)} * 1'000'000'000;
    if (fault.kind == FaultKind::kNan) fault.amount = dice.below(16);
    scenario.faults.push_back(fault);
  }
}

void draw_setup(Dice& dice, Scenario& scenario) {
  SchedulerConfig& scheduler = scenario.scheduler;
  scheduler.page_tokens = dice.one_of({1, 2, 4, 4, 8, 16, 64});
  scheduler.max_num_seqs = dice.one_of({1, 2, 3, 4, 8, 16});
  scheduler.max_num_batched_tokens = dice.one_of({1, 2, 3, 4, 5, 7, 8, 16, 33, 64, 256});
  scheduler.preempt_every_step = dice.chance(0.1);
  if (dice.chance(0.15)) {
    scheduler.batching = Batching::kStatic;
    scheduler.static_batch_wait_ns = int64_t{dice.below(50)} * 1'000'000;
  }
  scheduler.kv_cache = dice.chance(0.9);
  // Else a token would take as many steps as there are tokens before it.
  const bool computes_anew = !scheduler.kv_cache || scheduler.preempt_every_step;
  if (computes_anew) scheduler.max_num_batched_tokens = dice.one_of({64, 256});
  scheduler.chunked_prefill = dice.chance(0.8);
  scenario.prefix_cache = scheduler.kv_cache && dice.chance(0.8);
  scenario.loop = dice.chance(0.4) ? Loop::kOverlap : Loop::kSequential;
  scenario.law = StepTimeLaw{{1e6, 1e5, 1e5, 2e4, 50, 20, 300, 5e4}};
  for (double& cost : scenario.law.cost_ns) cost *= dice.one_of({0.0, 0.3, 1.0, 3.0});
  scenario.law.cost_ns[0] += 1e5;
  scenario.jitter = dice.one_of({0.0, 0.1, 0.5});
}

}  // namespace

Scenario make_scenario(uint64_t seed) {
  Dice dice(seed);
  Scenario scenario;
  scenario.seed = seed;
  draw_setup(dice, scenario);
  const int page_tokens = scenario.scheduler.page_tokens;
  const SchedulerConfig& scheduler = scenario.scheduler;
  const bool may_crowd = scheduler.max_num_seqs > scheduler.max_num_batched_tokens;
  const bool crowd = may_crowd && dice.chance(0.5);
  Prompts prompts(dice, page_tokens, crowd);
  const bool salted = dice.chance(0.4);
  const double rudeness = dice.one_of({0.0, 0.05, 0.3});
  const double gap_ns = crowd ? 0 : dice.one_of({0.0, 1e6, 5e6, 4e7});
  int64_t now_ns = 0;
  size_t longest = 0;
  for (int i = dice.between(3, 40); i > 0; --i) {
    Client client;
    auto request = std::const_pointer_cast<Request>(
        draw_request(dice, prompts, scenario.clients.size() + 1, salted));
    now_ns += static_cast<int64_t>(-std::log(1 - dice.uniform()) * gap_ns);
    request->arrival_ns = now_ns;
    longest = std::max(longest,
                       request->prompt.size() + static_cast<size_t>(request->sampling.max_tokens));
    client.request = std::move(request);
    draw_client(dice, client, rudeness);
    scenario.clients.push_back(std::move(client));
  }
  const int pages = (static_cast<int>(longest) + page_tokens - 1) / page_tokens;
  scenario.page_count = pages + dice.one_of({0, 1, 2, pages / 2, 2 * pages, 12 * pages});
  if (dice.chance(0.6)) draw_faults(dice, scenario, dice.one_of({8, 30, 150}));
  return scenario;
}

RightOutput right_output(const Request& request, int choice, int page_tokens) {
  SimulatedHistory history(request.cache_salt, page_tokens);
  for (const int32_t token : request.prompt) history.append(token);
  const SamplingParams& sampling = request.sampling;
  const auto contains = [](const std::vector<int32_t>& ids, int32_t token) {
    return std::ranges::find(ids, token) != ids.end();
  };
  RightOutput right;
  while (static_cast<int>(right.tokens.size()) < sampling.max_tokens) {
    const int32_t token =
        simulated_token(history.reads(), sampling.seed, choice, history.length(), kVocab);
    history.append(token);
    right.tokens.push_back(token);
    const bool stops = contains(sampling.stop_token_ids, token) ||
                       (!sampling.ignore_eos && contains(request.eos_token_ids, token));
    if (stops && static_cast<int>(right.tokens.size()) > sampling.min_tokens) {
      right.finish = FinishReason::kStop;
      break;
    }
  }
  return right;
}

std::string Scenario::describe() const {
  std::ostringstream text;
  text << "  pages: " << page_count << " of " << scheduler.page_tokens << " tokens; at most "
       << scheduler.max_num_seqs << " sequences, " << scheduler.max_num_batched_tokens
       << " tokens a step; prefix cache " << (prefix_cache ? "on" : "off")
       << (loop == Loop::kOverlap ? "; overlap" : "")
       << (scheduler.batching == Batching::kStatic ? "; static batches" : "")
       << (scheduler.kv_cache ? "" : "; no KV cache")
       << (scheduler.chunked_prefill ? "" : "; prompts in one piece")
       << (scheduler.preempt_every_step ? "; preempted after every token" : "") << "; jitter "
       << jitter << "\n";
  for (const Client& client : clients) {
    const Request& request = *client.request;
    text << "  request " << request.id << " at " << request.arrival_ns
         << " ns: " << request.prompt.size() << " tokens (";
    for (size_t i = 0; i < std::min<size_t>(6, request.prompt.size()); ++i) {
      text << (i > 0 ? " " : "") << request.prompt[i];
    }
    text << (request.prompt.size() > 6 ? " ...)" : ")") << ", max_tokens "
         << request.sampling.max_tokens << ", n " << request.sampling.n;
    if (!request.cache_salt.empty()) text << ", salt " << request.cache_salt;
    if (client.leaves_after_ns >= 0) text << ", leaves after " << client.leaves_after_ns << " ns";
    if (client.leaves_after_tokens >= 0) {
      text << ", leaves after " << client.leaves_after_tokens << " tokens";
    }
    if (client.token_ns > 0) {
      text << ", reads a token in " << client.token_ns << " ns, cut off with more than "
           << client.backlog << " unread";
    }
    text << "\n";
  }
  for (const PlannedFault& fault : faults) {
    text << "  step " << fault.step;
    if (fault.kind == FaultKind::kError) text << " fails\n";
    if (fault.kind == FaultKind::kHang) text << " hangs for " << fault.amount << " ns\n";
    if (fault.kind == FaultKind::kNan) text << ": row " << fault.amount << " gives NaN\n";
  }
  return text.str();
}

}  // namespace kilotoken::simulation
