// What each scheduling switch is worth on this machine: static and continuous batching, overlap, KV
// cache, prefix cache, chunks, and the scheduler's own time. The engine runs in this process.
//
// usage: scheduling_speed [--model M] [--shape S [--layers N]] [--requests N] [--batch N]
//                         [--repeats N] [--threads N] [--prompt N] [SECTION...]
//   --model M    demo, a model directory or a .gguf file (default demo)
//   --shape S    at the cost of this published shape (llama-3.2-1b, ...), with N of its layers
//   SECTION      policies, kv, chunks, overlap, scheduler (default: all)

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sections.h"
#include "serve/load/made_model.h"
#include "serve/load/model_files.h"

namespace kilotoken::bench {
namespace {

struct Arguments {
  std::string model = "demo", shape;
  std::optional<int> layers;
  Options options;
  std::vector<std::string> sections;

  bool wants(const char* section) const {
    return sections.empty() || std::ranges::find(sections, section) != sections.end();
  }
};

Result<int> number(const std::string& flag, const char* value) {
  char* end = nullptr;
  const long parsed = value ? std::strtol(value, &end, 10) : 0;
  if (!value || *end != '\0' || parsed < 1 || parsed > 1'000'000) {
    return invalid(flag + " needs a number from 1 to 1000000");
  }
  return static_cast<int>(parsed);
}

Result<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  Options& options = arguments.options;
  options.threads = usable_cpu_count();
  int layers = 0;
  const std::vector<std::pair<std::string, int*>> numbers = {
      {"--requests", &options.requests},  {"--batch", &options.batch},
      {"--repeats", &options.repeats},    {"--threads", &options.threads},
      {"--prompt", &options.long_prompt}, {"--layers", &layers}};
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (!flag.starts_with("--")) {
      arguments.sections.push_back(flag);
      continue;
    }
    const char* value = i + 1 < argc ? argv[++i] : nullptr;
    const auto at = std::ranges::find(numbers, flag, [](const auto& each) { return each.first; });
    if (at != numbers.end()) {
      KT_TRY(*at->second, number(flag, value));
    } else if (value && (flag == "--model" || flag == "--shape")) {
      (flag == "--model" ? arguments.model : arguments.shape) = value;
    } else {
      return invalid(flag + ": see the usage at the top of bench/scheduling/scheduling.cpp");
    }
  }
  if (layers > 0) arguments.layers = layers;
  return arguments;
}

Result<void> run(const Arguments& arguments) {
  KT_TRY(
      const Kernels* kernels,
      select_kernels(std::getenv("KILOTOKEN_ISA") ? std::getenv("KILOTOKEN_ISA") : std::string()));
  KT_TRY(ModelFiles files, open_model_files(arguments.model));
  if (!arguments.shape.empty()) {
    KT_TRY(files, make_inflated_model(std::move(files), arguments.shape, arguments.layers));
  }
  const Options& options = arguments.options;
  ThreadPool pool(options.threads);
  KT_TRY(const std::unique_ptr<Model> model,
         build_model(files.config, *files.weights, *kernels, pool));
  std::printf("%s%s%s, kernels %s, %d threads, medians of %d interleaved repeats\n",
              arguments.model.c_str(), arguments.shape.empty() ? "" : " at the cost of ",
              arguments.shape.c_str(), std::string(kernels->name).c_str(), options.threads,
              options.repeats);
  const Subject subject{model.get(), files.tokenizer.get()};
  if (arguments.wants("scheduler")) bench_scheduler(options);
  if (arguments.wants("overlap")) bench_overlap(subject, options);
  if (arguments.wants("kv")) bench_kv_cache(subject, options);
  if (arguments.wants("chunks")) bench_chunks(subject, options);
  if (arguments.wants("policies")) bench_policies(subject, options);
  return {};
}

}  // namespace
}  // namespace kilotoken::bench

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const auto arguments = kilotoken::bench::parse(argc, argv);
  const auto done = arguments.ok() ? kilotoken::bench::run(*arguments)
                                   : kilotoken::Result<void>(arguments.error());
  if (done.ok()) return 0;
  std::fprintf(stderr, "scheduling_speed: %s\n", done.error().message.c_str());
  return 1;
}
