// Thousands of seeded runs of the real engine on a simulated device; see docs/simulation.md.
//
// usage: kt_simulation seeds COUNT    seeds 1 .. COUNT; a failing one is shrunk and printed
//        kt_simulation seed SEED      one again
//        kt_simulation hunt COUNT     the same as seeds, but what is sought is a failure

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "isolated.h"
#include "world.h"

namespace kilotoken::simulation {
namespace {

constexpr int kSeedsAtOnce = 50;  // in one process

void print_failure(uint64_t seed, const std::string& failure) {
  std::printf("seed %llu FAILED: %s\n", static_cast<unsigned long long>(seed), failure.c_str());
}

void print_shrunk(uint64_t seed) {
  const Scenario scenario = shrink(make_scenario(seed));
  std::printf("shrunk, it fails so: %s\n%s", failure_of(scenario).c_str(),
              scenario.describe().c_str());
  std::printf("again: kt_simulation seed %llu\n", static_cast<unsigned long long>(seed));
}

Findings run_all(int count) {
  Findings all;
  for (int done = 0; done < count && all.failure.empty(); done += kSeedsAtOnce) {
    const Findings some =
        run_seeds(static_cast<uint64_t>(done) + 1, std::min(kSeedsAtOnce, count - done));
    for (size_t i = 0; i < kCounts; ++i) all.tally[i] += some.tally[i];
    all.failure = some.failure;
    all.failed_seed = some.failed_seed;
  }
  return all;
}

int run_and_print(int count) {
  const Findings all = run_all(count);
  bool missing = false;
  for (size_t i = 0; i < kCounts; ++i) {
    const bool never = all.tally[i] == 0;
    missing = missing || never;
    std::printf("%12lld %s%s\n", static_cast<long long>(all.tally[i]), kCountNames[i],
                never ? ": NEVER SEEN" : "");
  }
  std::printf("%12.0f steps a second with 16 sequences running\n", steps_per_second(16));
  if (!all.failure.empty()) {
    print_failure(all.failed_seed, all.failure);
    print_shrunk(all.failed_seed);
    return 1;
  }
  if (missing) {
    std::printf("FAILED: what was never seen was not tested\n");
    return 1;
  }
  std::printf("seeds 1 to %d: all is as it must be\n", count);
  return 0;
}

int hunt(int count) {
  const Findings all = run_all(count);
  if (all.failure.empty()) {
    std::printf("not found in %d seeds\n", count);
    return 0;
  }
  print_failure(all.failed_seed, all.failure);
  return 3;
}

int replay(uint64_t seed) {
  const Scenario scenario = make_scenario(seed);
  std::printf("%s", scenario.describe().c_str());
  const std::string failure = failure_of(scenario);
  if (failure.empty()) {
    std::printf("seed %llu: all is as it must be\n", static_cast<unsigned long long>(seed));
    return 0;
  }
  print_failure(seed, failure);
  print_shrunk(seed);
  return 1;
}

int main_of(int argc, char** argv) {
  const char* what = argc == 3 ? argv[1] : "";
  const long long number = argc == 3 ? std::atoll(argv[2]) : 0;
  if (number >= 1 && std::strcmp(what, "seeds") == 0) {
    return run_and_print(static_cast<int>(number));
  }
  if (number >= 1 && std::strcmp(what, "hunt") == 0) return hunt(static_cast<int>(number));
  if (number >= 0 && std::strcmp(what, "seed") == 0) return replay(static_cast<uint64_t>(number));
  std::fprintf(stderr, "usage: kt_simulation seeds COUNT | seed SEED | hunt COUNT\n");
  return 2;
}

}  // namespace
}  // namespace kilotoken::simulation

int main(int argc, char** argv) { return kilotoken::simulation::main_of(argc, argv); }
