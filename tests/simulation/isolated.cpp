#include "isolated.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "world.h"

namespace kilotoken::simulation {
namespace {

constexpr unsigned kPatienceSeconds = 60;  // for one process
constexpr int kRepeatEvery = 32;           // seeds: one is run twice

// What both processes see.
struct Shared {
  Tally tally;
  uint64_t seed;
  char failure[1000];
};

class SharedMemory {
 public:
  SharedMemory() {
    void* at =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    KT_CHECK(at != MAP_FAILED, "no memory to share with another process");
    shared_ = new (at) Shared{};
  }
  ~SharedMemory() { munmap(shared_, sizeof(Shared)); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  Shared* operator->() { return shared_; }
  Shared& operator*() { return *shared_; }

 private:
  Shared* shared_;
};

void note_failure(Shared& shared, const std::string& failure) {
  std::snprintf(shared.failure, sizeof shared.failure, "%s", failure.c_str());
}

// The last line that a process left in `file`, its standard error.
std::string last_words(std::FILE* file) {
  std::rewind(file);
  std::string last;
  char line[800];
  while (std::fgets(line, sizeof line, file)) {
    if (std::strstr(line, "check failed") || last.empty()) last = line;
  }
  while (!last.empty() && last.back() == '\n') last.pop_back();
  return last;
}

// `work` in a process of its own.
void in_isolation(SharedMemory& shared, const std::function<void(Shared&)>& work) {
  std::FILE* words = std::tmpfile();
  KT_CHECK(words != nullptr, "no temporary file");
  std::fflush(nullptr);
  const pid_t child = fork();
  KT_CHECK(child >= 0, "no other process");
  if (child == 0) {
    dup2(fileno(words), STDERR_FILENO);
    alarm(kPatienceSeconds);
    work(*shared);
    _exit(0);
  }
  int status = 0;
  KT_CHECK_EQ(waitpid(child, &status, 0), child);
  if (shared->failure[0] == 0 && status != 0) {
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    note_failure(*shared, signal == SIGALRM ? "it takes longer than a minute"
                                            : "it crashed (signal " + std::to_string(signal) +
                                                  "): " + last_words(words));
  }
  std::fclose(words);
}

void run_one(Shared& shared, const Scenario& scenario, bool repeated) {
  const Outcome outcome = run(scenario, shared.tally);
  note_failure(shared, outcome.failure);
  if (!repeated || !outcome.failure.empty()) return;
  Tally unused{};
  if (run(scenario, unused).trace != outcome.trace) {
    note_failure(shared, "run twice, it went another way");
  }
  ++shared.tally[kReplays];
}

// Tries scenarios with something left out of `list`: halves of it, quarters and so on.
template <typename Item>
void leave_out(Scenario& scenario, std::vector<Item> Scenario::*list) {
  for (size_t piece = std::max<size_t>(1, (scenario.*list).size() / 2);; piece /= 2) {
    for (size_t at = 0; at < (scenario.*list).size();) {
      Scenario smaller = scenario;
      auto& items = smaller.*list;
      const auto begin = items.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min(piece, items.size() - at));
      items.erase(begin, end);
      if (failure_of(smaller).empty()) {
        at += piece;
      } else {
        scenario = std::move(smaller);
      }
    }
    if (piece <= 1) return;
  }
}

// Takes `change` if the scenario still fails with it.
void try_change(Scenario& scenario, const std::function<void(Scenario&)>& change) {
  Scenario changed = scenario;
  change(changed);
  if (!failure_of(changed).empty()) scenario = std::move(changed);
}

void simplify(Scenario& scenario, size_t index) {
  const auto change_request = [&](const std::function<void(Request&)>& change) {
    try_change(scenario, [&](Scenario& changed) {
      auto request = std::make_shared<Request>(*changed.clients[index].request);
      change(*request);
      changed.clients[index].request = request;
    });
  };
  try_change(scenario, [&](Scenario& changed) {
    Client patient;
    patient.request = changed.clients[index].request;
    changed.clients[index] = patient;
  });
  change_request([](Request& request) { request.sampling.n = 1; });
  change_request([](Request& request) { request.cache_salt.clear(); });
  change_request([](Request& request) { request.arrival_ns = 0; });
  for (int halves = 0; halves < 5; ++halves) {
    change_request([](Request& request) { request.sampling.max_tokens /= 2; });
    change_request(
        [](Request& request) { request.prompt.resize((request.prompt.size() + 1) / 2); });
  }
}

}  // namespace

Findings run_seeds(uint64_t first, int count) {
  Findings findings;
  SharedMemory shared;
  in_isolation(shared, [&](Shared& seen) {
    for (int i = 0; i < count && seen.failure[0] == 0; ++i) {
      seen.seed = first + static_cast<uint64_t>(i);
      run_one(seen, make_scenario(seen.seed), seen.seed % kRepeatEvery == 0);
    }
  });
  findings.tally = shared->tally;
  findings.failure = shared->failure;
  if (!findings.failure.empty()) findings.failed_seed = shared->seed;
  return findings;
}

std::string failure_of(const Scenario& scenario) {
  SharedMemory shared;
  in_isolation(shared, [&](Shared& seen) { run_one(seen, scenario, /*repeated=*/false); });
  return shared->failure;
}

Scenario shrink(Scenario scenario) {
  leave_out(scenario, &Scenario::faults);
  leave_out(scenario, &Scenario::clients);
  try_change(scenario, [](Scenario& changed) { changed.jitter = 0; });
  try_change(scenario, [](Scenario& changed) { changed.prefix_cache = false; });
  try_change(scenario, [](Scenario& changed) { changed.loop = Loop::kSequential; });
  try_change(scenario, [](Scenario& changed) {
    changed.scheduler.batching = Batching::kContinuous;
    changed.scheduler.kv_cache = changed.scheduler.chunked_prefill = true;
  });
  try_change(scenario, [](Scenario& changed) { changed.scheduler.preempt_every_step = false; });
  for (size_t i = 0; i < scenario.clients.size(); ++i) simplify(scenario, i);
  leave_out(scenario, &Scenario::clients);
  return scenario;
}

}  // namespace kilotoken::simulation
