#pragma once
// What the files of `kilotoken bench` share.

#include <atomic>
#include <string>

#include "base/result.h"
#include "cli/commands.h"
#include "measure/bench/serve_bench.h"

namespace kilotoken {

// While one lives, Ctrl-C ends the measurement and what was measured is shown; again, the program.
class BenchStop {
 public:
  BenchStop();
  static std::atomic<bool>& flag();
};

// One line of a run among several, and its doubts.
void print_run(const std::string& name, const bench::Measured& measured);

// Subcommands of `kilotoken bench`.
Command add_bench_calibrate(CLI::App& bench);
Command add_bench_sweep(CLI::App& bench);
Command add_bench_compare(CLI::App& bench);
Command add_bench_throughput(CLI::App& bench);
Command add_bench_latency(CLI::App& bench);

}  // namespace kilotoken
