// ./dev bench ceiling [--threads N] [--gib G] [--json]: the limits of this machine.

#include <cstdio>
#include <string>

#include "ceiling/ceiling.h"
#include "ceiling/options.h"

namespace kilotoken::bench {
namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "bench ceiling: %s\n", message.c_str());
  return 1;
}

int run(int argc, char** argv) {
  int threads = usable_cpu_count(), gib = 4;
  bool json = false;
  const Option options[] = {{"--threads", &threads}, {"--gib", &gib}, {"--json", nullptr, &json}};
  const auto words = parse_options(argc, argv, options);
  if (!words.ok()) return fail(words.error().message);
  if (!words->empty()) return fail("takes flags only, not \"" + words->front() + "\"");
  const auto ceilings = measure_ceilings(threads, static_cast<size_t>(gib) << 30);
  if (!ceilings.ok()) return fail(ceilings.error().message);
  std::puts((json ? json_of(*ceilings) : text_of(*ceilings)).c_str());
  return 0;
}

}  // namespace
}  // namespace kilotoken::bench

int main(int argc, char** argv) { return kilotoken::bench::run(argc, argv); }
