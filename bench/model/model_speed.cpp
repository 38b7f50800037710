// What a whole model does on this machine, engine included: one prompt of 512 tokens in one step,
// one sequence, and 16 at once; tokens a second, the time of a step by part, rows per kernel call.
//
// usage: model_speed MODEL [--quantization Q [--activations A]] [--layers N] [--threads N]
//                    [--tokens N] [--json]
//   MODEL: a directory, a .gguf file, or a published shape (llama-3.2-1b) with dummy weights, and
//          N of its layers
//   --tokens N: so many are decoded by each sequence (32)
// `./dev bench model` runs it beside a peer.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ceiling/options.h"
#include "model/config/published_shapes.h"
#include "scheduling/workbench.h"
#include "serve/load/made_model.h"
#include "serve/load/model_files.h"
#include "timed_kernels.h"

namespace kilotoken::bench {
namespace {

constexpr int kPrefill = 512, kBatch = 16, kBatchPrompt = 64;

struct Regime {
  const char* name;
  double tokens_per_s, step_ms;
  KernelTimes kernels;  // of `steps` steps
  int steps;
};

Setup setup_of(int threads, int sequences, int tokens_each) {
  Setup setup;
  setup.threads = threads;
  setup.scheduler.max_num_seqs = sequences;
  setup.scheduler.max_num_batched_tokens = std::max(kPrefill, sequences * kBatchPrompt);
  setup.page_count = sequences * (tokens_each / kPageTokens + 2);
  return setup;
}

// Prompts of so many tokens in one step, then `tokens` steps of one token each: the regimes of the
// two kinds of steps.
std::pair<Regime, Regime> run_batch(const Model& model, int threads, int sequences, int prompt,
                                    int tokens) {
  Workbench bench(model, nullptr, setup_of(threads, sequences, prompt + tokens + 1));
  for (int i = 0; i < sequences; ++i) {
    bench.add(
        make_request(static_cast<RequestId>(i + 1), prompt, tokens + 1, model.config().vocab_size));
  }
  take_kernel_times();
  bench.step();
  const KernelTimes of_prompts = take_kernel_times();
  bench.run();
  const std::vector<double> at = bench.token_ms(1);
  const double decode_ms = (at.back() - at.front()) / tokens;
  return {{"prefill", sequences * prompt / at.front() * 1e3, at.front(), of_prompts, 1},
          {"decode", sequences / decode_ms * 1e3, decode_ms, take_kernel_times(), tokens}};
}

void say(const Regime& regime) {
  std::printf("%-13s %9.1f tok/s  %8.2f ms a step", regime.name, regime.tokens_per_s,
              regime.step_ms);
  double rest = regime.step_ms;
  for (const auto& [part, ns] : regime.kernels.ns) {
    const double ms = static_cast<double>(ns) * 1e-6 / regime.steps;
    std::printf(", %s %.2f", part.c_str(), ms);
    rest -= ms;
  }
  std::printf(", rest %.2f; %.1f rows a kernel call\n", rest,
              static_cast<double>(regime.kernels.linear_rows) /
                  static_cast<double>(regime.kernels.linear_calls));
}

Result<ModelFiles> open_model(const std::string& name, int layers) {
  if (!published_shape(name).ok()) return open_model_files(name);
  return make_dummy_model(name, layers > 0 ? std::optional(layers) : std::nullopt, "auto");
}

Result<void> run(int argc, char** argv) {
  int threads = usable_cpu_count(), layers = 0, tokens = 32;
  bool json = false;
  std::string quantization, activations = "auto";
  const Option options[] = {{"--threads", &threads},
                            {"--layers", &layers},
                            {"--tokens", &tokens},
                            {"--json", nullptr, &json},
                            {"--quantization", nullptr, nullptr, &quantization},
                            {"--activations", nullptr, nullptr, &activations}};
  KT_TRY(const std::vector<std::string> words, parse_options(argc, argv, options));
  if (words.size() != 1) return invalid("model_speed takes one model");
  KT_TRY(const ModelFiles files, open_model(words.front(), layers));
  KT_TRY(const LoadOptions load, quantised_load(quantization, activations));
  const char* isa = std::getenv("KILOTOKEN_ISA");
  KT_TRY(const Kernels* kernels, select_kernels(isa ? isa : ""));
  ThreadPool pool(threads, ThreadPool::Pinning::kWorkers);
  KT_TRY(const std::unique_ptr<Model> model,
         build_model(files.config, *files.weights, timed(*kernels), pool, load));
  run_batch(*model, threads, 1, kPageTokens, 2);  // what only the first steps pay
  auto [prefill, one] = run_batch(*model, threads, 1, kPrefill, tokens);
  auto [prompts, batch] = run_batch(*model, threads, kBatch, kBatchPrompt, tokens);
  prefill.name = "prefill 512";
  one.name = "batch 1";
  batch.name = "batch 16";
  const Regime regimes[] = {prefill, one, batch};
  if (json) {
    nlohmann::json out;  // tokens a second
    for (const Regime& regime : regimes) out[regime.name] = regime.tokens_per_s;
    std::puts(out.dump().c_str());
    return {};
  }
  std::printf("%s, kernels %s, %d threads\n", words.front().c_str(),
              std::string(kernels->name).c_str(), threads);
  for (const Regime& regime : regimes) say(regime);
  std::printf("%.1f times batch 1: 512 prompt tokens in one step; %.1f times: 16 sequences\n",
              prefill.tokens_per_s / one.tokens_per_s, batch.tokens_per_s / one.tokens_per_s);
  return {};
}

}  // namespace
}  // namespace kilotoken::bench

int main(int argc, char** argv) {
  return kilotoken::bench::exit_status(kilotoken::bench::run(argc, argv), "bench model");
}
