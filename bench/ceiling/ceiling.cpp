#include "ceiling/ceiling.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <sstream>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "compute/kernels/cpu/features.h"

namespace kilotoken::bench {
namespace {

// Under this share of what the CPU gave before, somebody else had a part of the machine.
constexpr double kDisturbedBelow = 0.85;

std::string gb_text(const ReadSpeed& read) {
  char text[96];
  std::snprintf(text, sizeof text, "%7.2f GB/s  (%d streams, prefetch %d B)", read.gb_s,
                read.pattern.streams, read.pattern.prefetch_bytes);
  return text;
}

std::string tera_text(double operations) {
  char text[32];
  std::snprintf(text, sizeof text, "%8.4f", operations * 1e-12);
  return text;
}

Json json_of(const ReadSpeed& read) {
  return {{"gb_per_s", read.gb_s},
          {"streams", read.pattern.streams},
          {"prefetch_bytes", read.pattern.prefetch_bytes}};
}

// Compares with what this CPU gave before. Lines "cpu | threads | what | value"; # begins a
// comment.
void judge(Ceilings& ceilings, std::string_view known_text) {
  std::istringstream lines{std::string(known_text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> cells;
    std::istringstream cut(line);
    for (std::string cell; std::getline(cut, cell, '|');) {
      const size_t first = cell.find_first_not_of(' '), last = cell.find_last_not_of(' ');
      cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
    }
    if (cells.size() != 4 || cells[0] != ceilings.cpu ||
        cells[1] != std::to_string(ceilings.threads)) {
      continue;
    }
    const double known = std::stod(cells[3]);
    double now = cells[2] == "read" ? ceilings.read_all.gb_s : 0;
    for (const Peak& peak : ceilings.peaks) {
      if (peak.instruction->name == cells[2]) now = peak.all_threads * 1e-12;
    }
    if (now >= kDisturbedBelow * known) continue;
    char text[160];
    std::snprintf(text, sizeof text, "%s%s: %.3f, and this CPU gave %.3f before",
                  ceilings.disturbed.empty() ? "" : "; ", cells[2].c_str(), now, known);
    ceilings.disturbed += text;
  }
}

}  // namespace

std::optional<double> core_to_core_ns() {
  constexpr int kRounds = 2'000, kTries = 50;
  const std::vector<int> cpus = allowed_cpus();
  if (cpus.size() < 2) return std::nullopt;
  alignas(64) std::atomic<int> ball{0};
  const auto bind = [](int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(cpu), &set);
    sched_setaffinity(0, sizeof set, &set);
  };
  if (cpus.back() >= CPU_SETSIZE) return std::nullopt;
  // Two threads of its own, so that nobody else stays bound.
  const auto play = [&](int cpu, int mine) {
    bind(cpu);
    const SystemClock clock;
    double best = 1e9;
    for (int tries = 0; tries < kTries; ++tries) {
      const int64_t begin = clock.now_ns();
      for (int i = 0; i < kRounds; ++i) {
        while (ball.load(std::memory_order_acquire) != mine) {
        }
        ball.store(1 - mine, std::memory_order_release);
      }
      best = std::min(best, static_cast<double>(clock.now_ns() - begin) / (2 * kRounds));
    }
    return best;
  };
  double one_way = 0;
  std::thread first([&] { one_way = play(cpus[0], 0); });
  std::thread second([&] { play(cpus[1], 1); });
  first.join();
  second.join();
  return one_way;
}

Result<Ceilings> measure_ceilings(int threads, size_t bytes) {
  Ceilings found;
  found.cpu = cpu::cpu_name() + ", " + std::to_string(allowed_cpus().size()) + " vCPU";
  found.threads = threads;
  found.huge_pages = huge_pages_offered();
  found.core_to_core_ns = core_to_core_ns();
  ThreadPool one(1), all(threads, ThreadPool::Pinning::kWorkers);
  for (const Instruction& each : instructions()) {
    if (!each.here) continue;
    found.peaks.push_back({&each, operations_per_s(each, one), operations_per_s(each, all)});
  }
  KT_TRY(const Arena memory, touched_memory(bytes, all));
  found.read_bytes = memory.bytes().size();
  found.read_one = best_read(memory.bytes(), one);
  found.read_all = best_read(memory.bytes(), all);
  KT_TRY(const std::string known, read_text_file(KT_KNOWN_CEILINGS));
  judge(found, known);
  return found;
}

std::string text_of(const Ceilings& ceilings) {
  std::string text = ceilings.cpu + "; " + std::to_string(ceilings.threads) + " threads; " +
                     (ceilings.huge_pages ? "huge pages" : "no huge pages") + "\n";
  if (ceilings.core_to_core_ns) {
    text += "core to core " + std::to_string(static_cast<int>(*ceilings.core_to_core_ns)) +
            " ns one way\n";
  }
  text += "read, 1 thread       " + gb_text(ceilings.read_one) + "\n";
  text += "read, all threads    " + gb_text(ceilings.read_all) + "\n";
  for (const Peak& peak : ceilings.peaks) {
    text += tera_text(peak.one_thread) + " with 1 thread, " + tera_text(peak.all_threads) +
            " with all, T" + (peak.instruction->kind == "int8" ? "OPS" : "FLOPS") + "  " +
            std::string(peak.instruction->name) + "\n";
  }
  if (!ceilings.disturbed.empty()) {
    text += "DISTURBED, this run does not count: " + ceilings.disturbed + "\n";
  }
  return text;
}

std::string json_of(const Ceilings& ceilings) {
  Json json = {{"cpu", ceilings.cpu},
               {"threads", ceilings.threads},
               {"huge_pages", ceilings.huge_pages},
               {"read_bytes", ceilings.read_bytes},
               {"read_one_thread", json_of(ceilings.read_one)},
               {"read_all_threads", json_of(ceilings.read_all)},
               {"disturbed", ceilings.disturbed}};
  json["core_to_core_ns"] =
      ceilings.core_to_core_ns ? Json(*ceilings.core_to_core_ns) : Json(nullptr);
  for (const Peak& peak : ceilings.peaks) {
    json["operations_per_s"].push_back({{"instruction", peak.instruction->name},
                                        {"kind", peak.instruction->kind},
                                        {"one_thread", peak.one_thread},
                                        {"all_threads", peak.all_threads}});
  }
  return json.dump(2);
}

}  // namespace kilotoken::bench
