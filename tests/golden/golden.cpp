// The same-bytes matrix: the plain run (one sequence at a time, its prompt in one piece, one
// thread) against every way of running that must not change a bit. Token ids and the bits of all
// logits are compared, prompts included. A cell whose mechanism never fired fails.
//
// usage: kt_golden [quick | least | TABLE]: the small models, short | the built-in one, on the
// table in use here | all, of one kernel table. KILOTOKEN_ISA picks a table.

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

constexpr RequestId kLong = 1, kSampled = 2, kNeighbour = 10, kForerunner = 20;
constexpr int kChoices = 3;

// Two requests whose outputs are compared, and neighbours that only share their steps.
struct Workload {
  int long_prompt, long_output;
  int sampled_prompt, sampled_output;

  int pages() const {
    const auto of = [](int tokens) { return (tokens + kPageTokens - 1) / kPageTokens; };
    // With the prefix cache, a forerunner's pages stay beside those of the long request.
    return 2 * of(long_prompt + long_output) +
           (kChoices + 4) * of(sampled_prompt + sampled_output) + 2;
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
  // With the prefix cache: so many tokens of the long prompt (0: all) begin another request's, that
  // runs before the others or, `beside`, together with them.
  std::optional<int> forerunner_shares = std::nullopt;
  bool beside = false;
};

int64_t chunks(const Run& run) { return run.counts.prompt_chunks; }
int64_t pieces(const Run& run) { return run.counts.worker_pieces; }
int64_t preemptions(const Run& run) { return run.counts.preemptions; }
int64_t mixed(const Run& run) { return run.counts.mixed_steps; }
int64_t hits(const Run& run) { return run.counts.cached_tokens; }
int64_t forks(const Run& run) { return run.counts.forks; }
int64_t copies(const Run& run) { return run.counts.copies; }
int64_t overlaps(const Run& run) { return run.counts.overlapped; }
int64_t second_batches(const Run& run) { return run.counts.batches - 1; }
int64_t recomputed(const Run& run) { return run.counts.recomputed; }
int64_t waits(const Run& run) { return run.counts.waits; }

constexpr int kShort = 300;  // tokens of a cell whose cost is quadratic, or that is one of many

Cell with_forerunner(const char* name, std::function<void(RigOptions&)> change,
                     std::function<int64_t(const Run&)> fired, int shares,
                     int length_limit = 1 << 20) {
  Cell cell{name, std::move(change), std::move(fired)};
  cell.forerunner_shares = shares;
  cell.length_limit = length_limit;
  return cell;
}

std::vector<Cell> prefix_cells(const std::function<void(RigOptions&)>& batch,
                               const std::function<void(RigOptions&)>& shortage,
                               const Workload& load) {
  const auto cached = [](RigOptions& o) { o.prefix_cache = true; };
  const auto cached_shortage = [shortage](RigOptions& o) {
    shortage(o);
    o.prefix_cache = true;
  };
  const auto cached_every_step = [](RigOptions& o) {
    o.prefix_cache = true;
    o.scheduler.preempt_every_step = true;
  };
  // The forerunner's last chunk ends pages, and leaves budget to admit who needs them.
  const auto cached_beside = [load, batch](RigOptions& o) {
    batch(o);
    o.prefix_cache = true;
    o.scheduler.max_num_batched_tokens = load.long_prompt * 6 / 10;
  };
  const auto hits_of_preempted = [](const Run& run) {
    return std::min(hits(run), preemptions(run));
  };
  // All but the last token, or it would not be computed but forked.
  Cell beside =
      with_forerunner("prefix in computation", cached_beside, waits, load.long_prompt - 1);
  beside.beside = true;
  Cell preempted = with_forerunner("prefix cached, preempted by shortage", cached_shortage,
                                   hits_of_preempted, 0, kShort);
  preempted.neighbours = true;
  return {
      with_forerunner("prefix cached: 64 tokens", cached, hits, 64, kShort),
      with_forerunner("prefix cached: 65 tokens", cached, hits, 65, kShort),
      with_forerunner("prefix cached: 127 tokens", cached, hits, 127, kShort),
      with_forerunner("prefix cached: 128 tokens", cached, hits, 128, kShort),
      with_forerunner("prefix cached: the whole", cached, hits, 0),
      beside,
      preempted,
      {"prefix cached, preempted at every step", cached_every_step, preemptions, false, false,
       kShort},
  };
}

// Static batching, the overlap loop, no KV cache; alone and together with other switches.
std::vector<Cell> loop_cells(const std::function<void(RigOptions&)>& batch,
                             const std::function<void(RigOptions&)>& shortage) {
  using Change = std::function<void(RigOptions&)>;
  const Change overlap = [](RigOptions& o) { o.loop = Loop::kOverlap; };
  const Change in_batches = [](RigOptions& o) {
    o.scheduler.max_num_seqs = 3;
    o.scheduler.batching = Batching::kStatic;
    o.scheduler.static_batch_wait_ns = 0;
  };
  const Change no_kv = [](RigOptions& o) { o.scheduler.kv_cache = false; };
  const Change cached = [](RigOptions& o) { o.prefix_cache = true; };
  const Change every_step = [](RigOptions& o) { o.scheduler.preempt_every_step = true; };
  const Change two_threads = [](RigOptions& o) { o.threads = 2; };
  const Change chunks_of_64 = [](RigOptions& o) { o.scheduler.max_num_batched_tokens = 64; };
  const Change unchunked = [](RigOptions& o) {
    o.scheduler.max_num_batched_tokens = 64;
    o.scheduler.chunked_prefill = false;
  };
  const auto all = [](std::vector<Change> changes) {
    return [changes](RigOptions& o) {
      for (const Change& change : changes) change(o);
    };
  };
  const auto both = [](auto a, auto b) {
    return [a, b](const Run& run) { return std::min(a(run), b(run)); };
  };
  const auto above_budget = [](const Run& run) { return int64_t{run.counts.max_rows} - 64; };
  std::vector<Cell> cells = {
      {"static batches", in_batches, second_batches, true, false, kShort},
      {"overlap", overlap, overlaps},
      {"overlap, batch with neighbours", all({batch, overlap}), both(overlaps, mixed), true, false,
       kShort},
      {"overlap, neighbours cancelled", all({batch, overlap}),
       [](const Run& run) { return std::min(run.counts.overlapped, run.cancelled); }, true, true,
       kShort},
      {"overlap, preempted by shortage", all({shortage, overlap}), both(overlaps, preemptions),
       true, false, kShort},
      {"overlap, static batches, 2 threads", all({in_batches, overlap, two_threads}),
       both(overlaps, both(second_batches, pieces)), true, false, kShort},
      {"no KV cache", no_kv, recomputed, false, false, kShort},
      {"no KV cache, overlap, batch, chunks of 64", all({batch, no_kv, overlap, chunks_of_64}),
       both(overlaps, recomputed), true, false, kShort / 2},
      {"no chunks", all({batch, unchunked}), above_budget, true, false, kShort},
      with_forerunner("overlap, prefix cached, chunks of 64", all({cached, overlap, chunks_of_64}),
                      both(overlaps, hits), 0, kShort),
      with_forerunner("overlap, prefix cached, preempted at every step",
                      all({cached, overlap, every_step}), both(overlaps, preemptions), 128,
                      kShort / 2),
      with_forerunner("static batches, prefix cached", all({in_batches, cached}),
                      both(second_batches, hits), 0, kShort),
  };
  Cell forked{"choices share their prompt's last page", all({batch, cached}), both(forks, copies)};
  Cell forked_overlap{"overlap, choices share their prompt's last page",
                      all({batch, cached, overlap, two_threads}), both(forks, copies)};
  forked.neighbours = forked_overlap.neighbours = true;
  forked.length_limit = forked_overlap.length_limit = kShort;
  cells.push_back(forked);
  cells.push_back(forked_overlap);
  const std::pair<int, const char*> lengths[] = {{66, "prefix cached: 66 tokens, overlap"},
                                                 {126, "prefix cached: 126 tokens, overlap"},
                                                 {129, "prefix cached: 129 tokens, overlap"}};
  for (const auto& [shares, name] : lengths) {
    cells.push_back(
        with_forerunner(name, all({cached, overlap}), both(overlaps, hits), shares, kShort / 2));
  }
  return cells;
}

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
  std::vector<Cell> cells = {
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
      {"preempted at every step", every_step, preemptions, false, false, kShort},
      {"batch, 2 threads, chunks of 64",
       [batch](RigOptions& o) {
         batch(o);
         o.threads = 2;
         o.scheduler.max_num_batched_tokens = 64;
       },
       [](const Run& run) { return std::min(pieces(run), mixed(run)); }, true},
  };
  for (const std::vector<Cell>& more :
       {prefix_cells(batch, shortage, load), loop_cells(batch, shortage)}) {
    cells.insert(cells.end(), more.begin(), more.end());
  }
  return cells;
}

// Begins as the long request does for `shared` tokens (0: to its end).
Request forerunner(const Workload& load, int vocab, int shared) {
  Request request = long_request(load, vocab);
  request.id = kForerunner;
  request.sampling.prompt_logprobs.reset();
  for (int i = shared; shared > 0 && i < load.long_prompt; ++i) {
    int32_t& token = request.prompt[static_cast<size_t>(i)];
    token = token > 3 ? token - 1 : token + 1;
  }
  return request;
}

Run run_cell(const TestModel& model, const Workload& load, const RigOptions& options,
             const Cell& cell) {
  const bool neighbours = cell.neighbours, cancel = cell.cancel_neighbours;
  const int vocab = model.files.config.vocab_size;
  EngineRig rig(*model.model, nullptr, options);
  Run run;
  if (cell.forerunner_shares) {
    rig.add(forerunner(load, vocab, *cell.forerunner_shares));
    if (!cell.beside) rig.run();
  }
  // The first to come soon needs a second page, and is older than who would have to give one up.
  if (neighbours) rig.add(make_request(kNeighbour, kPageTokens - 5, 30, vocab));
  Request long_one = long_request(load, vocab), sampled = sampled_request(load, vocab);
  if (options.prefix_cache) {  // with prompt_logprobs all of the prompt would be computed
    long_one.sampling.prompt_logprobs.reset();
    sampled.sampling.prompt_logprobs.reset();
  }
  rig.add(long_one);
  rig.add(sampled);
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

// Empty when equal, else the first difference. What was found in the prefix cache has no logits.
std::string difference(const Run& plain, const Run& run, bool prefix_cache) {
  if (run.counts.changed > 0) return "recomputed logits changed";
  for (size_t i = 0; i < plain.outputs.size(); ++i) {
    const ChoiceOutput &a = plain.outputs[i], &b = run.outputs[i];
    const std::string name = "output " + std::to_string(i) + ": ";
    for (const auto& [position, hash] : b.logits_hash) {
      const auto at = a.logits_hash.find(position);
      if (at == a.logits_hash.end() || at->second != hash) {
        return name + "logits differ at position " + std::to_string(position);
      }
    }
    const size_t expected = prefix_cache ? a.tokens.size() : a.logits_hash.size();
    if (b.logits_hash.size() < expected) return name + "logits are missing";
    if (a.tokens != b.tokens || a.finish != b.finish) return name + "tokens differ";
  }
  return {};
}

int run_matrix(const TestModel& model, DType kv_dtype, int length) {
  std::printf("%s, KV %s, %d tokens\n", model.name.c_str(), std::string(name_of(kv_dtype)).c_str(),
              length);
  std::map<int, Run> plain_runs;  // by length
  int failures = 0;
  const std::vector<Cell> at_full_length = cells(at_length(length));
  for (size_t i = 0; i < at_full_length.size(); ++i) {
    const Workload load = at_length(std::min(length, at_full_length[i].length_limit));
    const Cell cell = cells(load)[i];
    RigOptions options;
    options.kv_dtype = kv_dtype;
    options.page_count = load.pages();
    options.scheduler.max_num_seqs = 1;
    options.scheduler.max_num_batched_tokens = load.long_prompt + 1;
    auto& plain = plain_runs[std::min(length, cell.length_limit)];
    if (plain.outputs.empty()) plain = run_cell(model, load, options, Cell{});
    cell.change(options);
    Run run;
    std::string wrong;
    int64_t fired = 0;
    // On a busy machine a short run may be over before a second thread gets a CPU.
    for (int attempt = 0; attempt < 5 && fired == 0 && wrong.empty(); ++attempt) {
      run = run_cell(model, load, options, cell);
      fired = cell.fired(run);
      wrong = difference(plain, run, options.prefix_cache);
    }
    const bool good = wrong.empty() && fired > 0;
    const double rows_per_call =
        static_cast<double>(run.counts.linear_rows) / static_cast<double>(run.counts.linear_calls);
    std::printf("  %-48s fired %6lld   %6.1f rows a kernel call   %s\n", cell.name,
                static_cast<long long>(fired), rows_per_call,
                good            ? "same bytes"
                : wrong.empty() ? "FAILED: the mechanism never fired"
                                : ("FAILED: " + wrong).c_str());
    std::fflush(stdout);
    failures += good ? 0 : 1;
  }
  return failures;
}

struct Format {
  const char *quantization, *activations;
  std::string text() const {
    return std::string(quantization) + (std::string_view(activations) == "auto"
                                            ? ""
                                            : ", activations " + std::string(activations));
  }
  LoadOptions load() const { return quantised_load(quantization, activations).value(); }
};
constexpr Format kFormats[] = {
    {"int8", "auto"}, {"int4", "auto"}, {"int4", "int8"}, {"q8_0", "auto"}, {"q4_0", "auto"}};
// How much of the matrix a table gets.
struct Extent {
  int small;    // tokens, on the small models
  int wide;     // on the wide model; 0: not run
  int formats;  // on a small random model in each weight format; 0: not run
  bool data;    // stories260K, in each KV type
};

constexpr Extent kLeast{.small = 200, .wide = 0, .formats = 0, .data = false};

// `best`: the table in use on this machine, or asked for.
Extent extent_of(const KernelTable& table, bool best, bool quick) {
  if (table.emulated) return {.small = 200, .wide = 0, .formats = best ? 200 : 0, .data = false};
  if (quick) return {.small = 200, .wide = 0, .formats = best ? 200 : 0, .data = true};
  // The reference computes a row at a time, whatever the format, and takes its time.
  const bool slow = table.kernels == &reference_kernels();
  return {.small = 400,
          .wide = slow ? 300 : 3000,
          .formats = best   ? 200
                     : slow ? 0
                            : 150,
          .data = true};
}

int run_formats(const Kernels& kernels, int length) {
  int failures = 0;
  for (const Format& format : kFormats) {
    TestModel model = random_small_model(kernels, format.load());
    model.name += ", " + format.text();
    failures += run_matrix(model, DType::kBF16, length);
  }
  return failures;
}

int run_table(const Kernels& kernels, const Extent& extent) {
  std::printf("== kernel table %s\n", std::string(kernels.name).c_str());
  const auto demo = resolve_model("demo");
  if (!demo.ok()) {
    std::printf("demo: FAILED: %s\n", demo.error().message.c_str());
    return 1;
  }
  int failures =
      run_matrix(load_test_model("demo", demo->string(), kernels), DType::kBF16, extent.small);
  if (extent.formats > 0) failures += run_formats(kernels, extent.formats);
  if (const char* data = std::getenv("KILOTOKEN_TEST_DATA"); data && extent.data) {
    const TestModel model =
        load_test_model("stories260K", std::string(data) + "/stories260K/hf", kernels);
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      failures += run_matrix(model, dtype, extent.small);
    }
  } else if (extent.data) {
    std::printf("stories260K: skipped, KILOTOKEN_TEST_DATA is not set\n");
  }
  if (extent.wide > 0) {
    failures += run_matrix(random_wide_model(kernels), DType::kBF16, extent.wide);
  }
  return failures;
}

// Whether the table that this one emulates runs here: then its matrix says the same.
bool original_runs(const KernelTable& emulated) {
  const std::string name(emulated.kernels->name.substr(0, emulated.kernels->name.find('-')));
  return std::ranges::any_of(kernel_tables(), [&](const KernelTable& table) {
    return table.kernels->name == name && table.runs_here;
  });
}

// The build makes a test of each table it knows: a table that it does not know would go untested.
int unknown_tables() {
  const std::string known = " " KT_GOLDEN_TABLES " ";
  return static_cast<int>(std::ranges::count_if(kernel_tables(), [&](const KernelTable& table) {
    const std::string name(table.kernels->name);
    if (known.find(" " + name + " ") != std::string::npos) return false;
    std::printf("== kernel table %s: FAILED: no test of its own\n", name.c_str());
    return true;
  }));
}

int run(std::string_view how) {
  const bool quick = how == "quick", least = how == "least", all = how.empty() || quick || least;
  const char* forced = std::getenv("KILOTOKEN_ISA");
  const Kernels* best = select_kernels("").value();
  int failures = unknown_tables();
  bool known = false;  // the table asked for
  for (const KernelTable& table : kernel_tables()) {
    const std::string name(table.kernels->name);
    if (!all && name != how) continue;
    known = true;
    const bool best_one = forced || table.kernels == best;
    if (least && !best_one) continue;  // the kernels' own tests run on all
    if (forced && name != forced) {
      std::printf("== kernel table %s: KILOTOKEN_ISA asks for %s\n", name.c_str(), forced);
      continue;
    }
    if (!table.runs_here) {
      std::printf("== kernel table %s: not run, this CPU lacks %s\n", name.c_str(),
                  std::string(table.needs).c_str());
      continue;
    }
    if (table.emulated && !forced && (quick || least || original_runs(table))) {
      std::printf("== kernel table %s: left to the table that it emulates\n", name.c_str());
      continue;
    }
    failures += run_table(*table.kernels, least ? kLeast : extent_of(table, best_one, quick));
  }
  failures += known ? 0 : 1;
  if (!known) std::printf("FAILED: there is no kernel table %s\n", std::string(how).c_str());
  std::puts(failures == 0 ? "every cell that ran gave the same bytes" : "FAILED");
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kilotoken::test

int main(int argc, char** argv) { return kilotoken::test::run(argc > 1 ? argv[1] : ""); }
