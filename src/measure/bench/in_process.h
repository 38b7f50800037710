#pragma once
// InProcess: the engine measured without HTTP: batches of prompts, one after the other.

#include <atomic>
#include <string>
#include <vector>

#include "measure/bench/environment.h"
#include "serve/load/served_model.h"

namespace kilotoken::bench {

struct BatchOptions {
  int batch_size = 32;
  int iterations = 10, warmups = 1;
  std::string prompt = "Explain quantum computing";
  int input_len = 0;  // > 0: made-up ids instead of the prompt, other ones in each batch
  int output_len = 100;
  bool ignore_eos = false;
};

struct BatchRun {
  double seconds = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

// Each iteration submits all of its prompts and waits for the last answer.
Result<std::vector<BatchRun>> run_batches(ServedModel& model, const BatchOptions& options,
                                          const Clock& clock, const std::atomic<bool>& stop);

std::string throughput_text(const BatchOptions& options, const std::vector<BatchRun>& runs);
std::string latency_text(const BatchOptions& options, const std::vector<BatchRun>& runs);

// With vLLM's keys (--output-json); `environment` and what else is ours under "x".
OrderedJson throughput_json(const BatchOptions& options, const std::vector<BatchRun>& runs,
                            const OrderedJson& environment);
OrderedJson latency_json(const BatchOptions& options, const std::vector<BatchRun>& runs,
                         const OrderedJson& environment);

}  // namespace kilotoken::bench
