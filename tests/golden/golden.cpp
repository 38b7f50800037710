// The same-bytes matrix: the plain run (one sequence at a time, its prompt in one piece, one
// thread) against every way of running that must not change a bit. Token ids and the bits of all
// logits are compared, prompts included. A cell whose mechanism never fired fails.
//
// usage: kt_golden [quick]     quick: the small models at 200 tokens (KILOTOKEN_ISA picks one
// table)

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "base/rng.h"
#include "rig/models.h"
#include "rig/rig.h"

namespace kilotoken::test {
namespace {

constexpr RequestId kLong = 1, kSampled = 2, kNeighbour = 10;
constexpr int kChoices = 3;

// Two requests whose outputs are compared, and neighbours that only share their steps.
struct Workload {
  int long_prompt, long_output;
  int sampled_prompt, sampled_output;

  int pages() const {
    const auto of = [](int tokens) { return (tokens + kPageTokens - 1) / kPageTokens; };
    return of(long_prompt + long_output) + (kChoices + 3) * of(sampled_prompt + sampled_output) + 2;
  }
};

constexpr Workload at_length(int tokens) {
  return {tokens - tokens / 15, tokens / 15, tokens / 4, tokens / 12 + 8};
}

Request make_request(RequestId id, int prompt_tokens, int output_tokens, int vocab) {
  Request request;
  request.id = id;
  for (int i = 0; i < prompt_tokens; ++i) {
    const double u = uniform_at(id, 5, static_cast<uint64_t>(i));
    request.prompt.push_back(static_cast<int32_t>(3 + u * (vocab - 3)));
  }
  request.sampling.max_tokens = output_tokens;
  request.sampling.ignore_eos = true;
  request.sampling.temperature = 0;
  request.sampling.prompt_logprobs = 0;
  return request;
}

Request long_request(const Workload& load, int vocab) {
  return make_request(kLong, load.long_prompt, load.long_output, vocab);
}

Request sampled_request(const Workload& load, int vocab) {
  Request request = make_request(kSampled, load.sampled_prompt, load.sampled_output, vocab);
  request.sampling.n = kChoices;
  request.sampling.temperature = 0.8f;
  request.sampling.top_k = 50;
  request.sampling.top_p = 0.95f;
  request.sampling.frequency_penalty = 0.3f;
  request.sampling.repetition_penalty = 1.1f;
  request.sampling.seed = 1234;
  return request;
}

struct Run {
  std::vector<ChoiceOutput> outputs;  // the long one, then the sampled choices
  RigCounts counts;
  int64_t cancelled = 0;
};

struct Cell {
  const char* name;
  std::function<void(RigOptions&)> change;
  std::function<int64_t(const Run&)> fired;
  bool neighbours = false;
  bool cancel_neighbours = false;
  int length_limit = 1 << 20;  // cells whose cost is quadratic run shorter
};

int64_t chunks(const Run& run) { return run.counts.prompt_chunks; }
int64_t pieces(const Run& run) { return run.counts.worker_pieces; }
int64_t preemptions(const Run& run) { return run.counts.preemptions; }
int64_t mixed(const Run& run) { return run.counts.mixed_steps; }

std::vector<Cell> cells(const Workload& load) {
  const auto chunk = [](int tokens) {
    return [tokens](RigOptions& o) { o.scheduler.max_num_batched_tokens = tokens; };
  };
  const auto threads = [](int count) { return [count](RigOptions& o) { o.threads = count; }; };
  const auto batch = [load](RigOptions& o) {
    o.scheduler.max_num_seqs = 8;
    o.scheduler.max_num_batched_tokens = std::min(600, load.long_prompt / 2);
  };
  const auto shortage = [load, batch](RigOptions& o) {
    batch(o);
    o.page_count = (load.long_prompt + load.long_output) / kPageTokens + 2;
  };
  const auto every_step = [](RigOptions& o) { o.scheduler.preempt_every_step = true; };
  return {
      {"chunks of 1", chunk(1), chunks},
      {"chunks of 7", chunk(7), chunks},
      {"chunks of 64", chunk(64), chunks},
      {"chunks of 600", chunk(600), [](const Run& run) { return run.counts.steps; }},
      {"2 threads", threads(2), pieces},
      {"3 threads", threads(3), pieces},
      {"n choices in one batch", [](RigOptions& o) { o.scheduler.max_num_seqs = kChoices; },
       [](const Run& run) { return int64_t{run.counts.max_sequences} - 1; }},
      {"batch with neighbours", batch, mixed, true},
      {"neighbours cancelled", batch, [](const Run& run) { return run.cancelled; }, true, true},
      {"preempted by shortage", shortage, preemptions, true},
      {"preempted at every step", every_step, preemptions, false, false, 300},
      {"batch, 2 threads, chunks of 64",
       [batch](RigOptions& o) {
         batch(o);
         o.threads = 2;
         o.scheduler.max_num_batched_tokens = 64;
       },
       [](const Run& run) { return std::min(pieces(run), mixed(run)); }, true},
  };
}

Run run_cell(const TestModel& model, const Workload& load, const RigOptions& options,
             bool neighbours, bool cancel) {
  const int vocab = model.files.config.vocab_size;
  EngineRig rig(*model.model, nullptr, options);
  Run run;
  // The first to come soon needs a second page, and is older than who would have to give one up.
  if (neighbours) rig.add(make_request(kNeighbour, kPageTokens - 5, 30, vocab));
  rig.add(long_request(load, vocab));
  rig.add(sampled_request(load, vocab));
  if (neighbours) {
    rig.add(make_request(kNeighbour + 1, load.sampled_prompt, load.sampled_output, vocab));
    rig.add(make_request(kNeighbour + 2, 3, 40, vocab));
  }
  if (cancel) {
    for (RequestId id = kNeighbour; id < kNeighbour + 3; ++id) {
      for (int i = 0; i < 3; ++i) rig.step();
      const int before = rig.pages().used_count();
      rig.cancel(id);
      run.cancelled += rig.pages().used_count() < before ? 1 : 0;
    }
  }
  rig.run();
  run.outputs.push_back(rig.output(kLong, 0));
  for (int i = 0; i < kChoices; ++i) run.outputs.push_back(rig.output(kSampled, i));
  run.counts = rig.counts();
  return run;
}

// Empty when equal, else the first difference.
std::string difference(const Run& plain, const Run& run) {
  if (run.counts.changed > 0) return "recomputed logits changed";
  for (size_t i = 0; i < plain.outputs.size(); ++i) {
    const ChoiceOutput &a = plain.outputs[i], &b = run.outputs[i];
    for (const auto& [position, hash] : a.logits_hash) {
      const auto at = b.logits_hash.find(position);
      if (at == b.logits_hash.end() || at->second != hash) {
        return "output " + std::to_string(i) + ": logits differ at position " +
               std::to_string(position);
      }
    }
    if (!(a == b)) return "output " + std::to_string(i) + ": tokens differ";
  }
  return {};
}

int run_matrix(const TestModel& model, DType kv_dtype, int length) {
  std::printf("%s, KV %s, %d tokens\n", model.name.c_str(), std::string(name_of(kv_dtype)).c_str(),
              length);
  std::map<int, Run> plain_runs;  // by length
  int failures = 0;
  for (const Cell& cell : cells(at_length(length))) {
    const Workload load = at_length(std::min(length, cell.length_limit));
    RigOptions options;
    options.kv_dtype = kv_dtype;
    options.page_count = load.pages();
    options.scheduler.max_num_seqs = 1;
    options.scheduler.max_num_batched_tokens = load.long_prompt + 1;
    auto& plain = plain_runs[std::min(length, cell.length_limit)];
    if (plain.outputs.empty()) plain = run_cell(model, load, options, false, false);
    cell.change(options);
    Run run;
    std::string wrong;
    int64_t fired = 0;
    // On a busy machine a short run may be over before a second thread gets a CPU.
    for (int attempt = 0; attempt < 5 && fired == 0 && wrong.empty(); ++attempt) {
      run = run_cell(model, load, options, cell.neighbours, cell.cancel_neighbours);
      fired = cell.fired(run);
      wrong = difference(plain, run);
    }
    const bool good = wrong.empty() && fired > 0;
    const double rows_per_call =
        static_cast<double>(run.counts.linear_rows) / static_cast<double>(run.counts.linear_calls);
    std::printf("  %-32s fired %6lld   %6.1f rows a kernel call   %s\n", cell.name,
                static_cast<long long>(fired), rows_per_call,
                good            ? "same bytes"
                : wrong.empty() ? "FAILED: the mechanism never fired"
                                : ("FAILED: " + wrong).c_str());
    std::fflush(stdout);
    failures += good ? 0 : 1;
  }
  return failures;
}

int run_table(const Kernels& kernels, bool quick) {
  const bool slow = kernels.name == reference_kernels().name;
  std::printf("== kernel table %s\n", std::string(kernels.name).c_str());
  int failures = 0;
  const int small = quick ? 200 : 400;
  if (const auto demo = resolve_model("demo"); demo.ok()) {
    const TestModel model = load_test_model("demo", demo->string(), kernels);
    failures += run_matrix(model, DType::kBF16, small);
  } else {
    std::printf("demo: FAILED: %s\n", demo.error().message.c_str());
    ++failures;
  }
  if (const char* data = std::getenv("KILOTOKEN_TEST_DATA")) {
    const TestModel model =
        load_test_model("stories260K", std::string(data) + "/stories260K/hf", kernels);
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      failures += run_matrix(model, dtype, small);
    }
  } else {
    std::printf("stories260K: skipped, KILOTOKEN_TEST_DATA is not set\n");
  }
  if (!quick) {
    failures += run_matrix(random_wide_model(kernels), DType::kBF16, slow ? 300 : 3000);
  }
  return failures;
}

int run(bool quick) {
  const char* forced = std::getenv("KILOTOKEN_ISA");
  int failures = 0;
  for (const KernelTable& table : kernel_tables()) {
    if (forced && table.kernels->name != forced) continue;
    if (!table.runs_here) {
      std::printf("== kernel table %s: not run, this CPU lacks %s\n",
                  std::string(table.kernels->name).c_str(), std::string(table.needs).c_str());
      continue;
    }
    failures += run_table(*table.kernels, quick);
  }
  std::printf("%s\n", failures == 0 ? "every cell gave the same bytes" : "FAILED");
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kilotoken::test

int main(int argc, char** argv) {
  return kilotoken::test::run(argc > 1 && std::strcmp(argv[1], "quick") == 0);
}
