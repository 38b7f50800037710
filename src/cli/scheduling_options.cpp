#include "cli/scheduling_options.h"

#include <CLI/CLI.hpp>

namespace kilotoken {

void add_scheduling_options(CLI::App& command, ServeOptions& options) {
  const std::string group = "Scheduling";
  command
      .add_option("--batching", options.batching,
                  "continuous: a request joins as soon as there is room; static, the baseline: a "
                  "batch runs to its end before the next is formed")
      ->capture_default_str()
      ->check(CLI::IsMember({"continuous", "static"}))
      ->group(group);
  command
      .add_option("--static-batch-wait-ms", options.static_batch_wait_ms,
                  "with --batching static: how long the first request waits for others, if fewer "
                  "than --max-num-seqs have come")
      ->capture_default_str()
      ->check(CLI::Range(0, 10'000))
      ->group(group);
  command
      .add_option("--itl-target-ms", options.itl_target_ms,
                  "the longest that running streams should wait for a token when a prompt comes "
                  "beside them: steps have as many tokens as it allows, by measured step times")
      ->capture_default_str()
      ->check(CLI::Range(1, 3'600'000))
      ->group(group);
  command
      .add_flag("--async-scheduling,!--no-async-scheduling", options.async_scheduling,
                "plan, detokenise and send while the next step is computed, on a thread more "
                "(off by default)")
      ->group(group);
  command
      .add_flag("--enable-chunked-prefill,!--no-enable-chunked-prefill", options.chunked_prefill,
                "cut long prompts into chunks that fit a step (on by default)")
      ->default_str("true")
      ->group(group);
  command
      .add_flag("--kv-cache,!--no-kv-cache", options.kv_cache,
                "keep keys and values of a sequence's tokens; without, the baseline, each token is "
                "computed from the whole sequence (on by default)")
      ->default_str("true")
      ->group(group);
}

}  // namespace kilotoken
