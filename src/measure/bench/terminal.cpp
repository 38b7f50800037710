#include "measure/bench/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "measure/bench/print.h"

namespace kilotoken::bench {
namespace {

std::string value_text(double value) {
  if (std::isinf(value)) return "inf";
  return std::isnan(value) ? "-" : printed("%.2f", value);
}

std::string row(const char* name, const Distribution& d) {
  std::string text = printed("  %-22s", name);
  text += printed(" %10s %10s", value_text(d.mean).c_str(), value_text(d.median).c_str());
  for (const Percentile& p : d.percentiles) {
    std::string cell = value_text(p.value);
    if (p.insufficient) cell += "*";
    text += printed(" %12s", cell.c_str());
  }
  if (!d.percentiles.empty() && d.percentiles.back().ci95) {
    const Interval& ci = *d.percentiles.back().ci95;
    text += printed("   [%s, %s]", value_text(ci.low).c_str(), value_text(ci.high).c_str());
  }
  return text + "\n";
}

std::string latency_table(const ResultInput& input) {
  const Summary& s = input.summary;
  std::string text = printed("  %-22s %10s %10s", "milliseconds", "mean", "median");
  for (const Percentile& p : s.ttft.percentiles)
    text += printed(" %12s", printed("P%g", p.p).c_str());
  if (!s.ttft.percentiles.empty()) {
    text += printed("   95 %% interval of P%g", s.ttft.percentiles.back().p);
  }
  text += "\n" + row("TTFT", s.ttft);
  if (input.plan.open_loop) text += row("TTFT from intended", s.ttft_intended);
  text += row("TPOT", s.tpot) + row("ITL (events)", s.itl) + row("E2EL", s.e2el);
  if (input.plan.open_loop) text += row("E2EL from intended", s.e2el_intended);
  if (s.completed < s.issued) {
    text += row("TTFT, failures = inf", s.ttft_adjusted);
    text += row("E2EL, failures = inf", s.e2el_adjusted);
  }
  if (s.queue.count > 0) {
    text += row("server: tokenising", s.tokenising) + row("server: queue", s.queue) +
            row("server: prefill", s.prefill) + row("server: decode", s.decode);
    if (s.preempted.most > 0) text += row("of that, preempted", s.preempted);
  }
  for (const Percentile& p : s.ttft.percentiles) {
    if (p.insufficient) {
      text += printed("  * insufficient: P%g wants %zu samples\n", p.p, samples_wanted(p.p));
    }
  }
  return text;
}

std::string group_table(const char* title, const std::vector<Group>& groups) {
  if (groups.empty()) return "";
  std::string text = printed("  %-12s %8s %8s %12s %12s %12s %12s\n", title, "issued", "ok",
                             "TTFT med.", "TPOT med.", "E2EL med.", "tok/s");
  for (const Group& g : groups) {
    text +=
        printed("  %-12s %8zu %8zu %12s %12s %12s %12.1f\n", g.name.c_str(), g.issued, g.completed,
                value_text(g.ttft.median).c_str(), value_text(g.tpot.median).c_str(),
                value_text(g.e2el.median).c_str(), g.output_throughput);
  }
  return text;
}

std::string throughput_lines(const ResultInput& input) {
  const Summary& s = input.summary;
  std::string text =
      printed("requests: %zu planned, %zu issued, %zu completed, %zu failed in %.2f s%s\n",
              input.planned, s.issued, s.completed, s.issued - s.completed, s.duration_s,
              input.run.interrupted ? " (PARTIAL: the run was stopped)" : "");
  text += printed(
      "tokens: %lld in%s, %lld out; throughput %.2f requests/s, %.1f tok/s out, %.1f "
      "tok/s in and out, %.0f tok/s in the best second\n",
      static_cast<long long>(s.input_tokens), s.input_known ? "" : " (not all known)",
      static_cast<long long>(s.output_tokens), s.request_throughput, s.output_throughput,
      s.total_throughput, s.peak_output_per_s);
  if (s.steady) {
    text += printed(
        "steady from %.1f to %.1f s (90 %% of the peak concurrency of %d): %.1f tok/s, "
        "%.2f requests/s\n",
        s.steady->begin_s, s.steady->end_s, s.max_concurrent, s.steady->output_throughput,
        s.steady->request_throughput);
  }
  if (s.cached_known && s.input_tokens > 0) {
    text += printed(
        "prefix cache: %.1f %% of the prompt tokens, of %.1f %% that one which remembers "
        "everything would have had\n",
        100.0 * static_cast<double>(s.cached_tokens) / static_cast<double>(s.input_tokens),
        input.oracle_hit_rate * 100);
  } else {
    text += printed(
        "prefix cache: not told; one that remembers everything would have had %.1f %% of the "
        "prompt tokens\n",
        input.oracle_hit_rate * 100);
  }
  if (!s.goodput.attainment.empty()) {
    text +=
        printed("goodput: %.2f requests/s, %.1f tok/s, %.1f %% of issued;", s.goodput.request_per_s,
                s.goodput.token_per_s, s.goodput.share_of_issued * 100);
    for (const auto& [name, share] : s.goodput.attainment) {
      text += printed(" %s %.1f %%", name.c_str(), share * 100);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

ProgressBar::ProgressBar(const LoadProgress& progress, size_t total, const Clock& clock,
                         bool wanted)
    : progress_(progress), total_(total), clock_(clock) {
  if (!wanted || !isatty(STDERR_FILENO)) return;
  begin_ns_ = last_ns_ = clock_.now_ns();
  thread_ = std::thread([this] {
    while (!over_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      draw(clock_.now_ns());
    }
  });
}

ProgressBar::~ProgressBar() {
  over_ = true;
  if (!thread_.joinable()) return;
  thread_.join();
  draw(clock_.now_ns());
  std::fputc('\n', stderr);
}

void ProgressBar::draw(int64_t now_ns) {
  const int64_t done = progress_.completed + progress_.failed, tokens = progress_.tokens;
  const double elapsed = static_cast<double>(now_ns - begin_ns_) * 1e-9;
  const double since = std::max(static_cast<double>(now_ns - last_ns_) * 1e-9, 1e-3);
  const double rate = static_cast<double>(tokens - last_tokens_) / since;
  last_ns_ = now_ns;
  last_tokens_ = tokens;
  const double share = static_cast<double>(done) / static_cast<double>(std::max<size_t>(total_, 1));
  std::string bar(static_cast<size_t>(share * 30), '#');
  bar.resize(30, '.');
  const std::string left =
      share > 0 && share < 1 ? printed("%.0f s left", elapsed / share - elapsed) : "";
  std::fprintf(stderr, "\r[%s] %lld/%zu, %lld running, %lld failed, %.0f tok/s, %.0f s, %s\033[K",
               bar.c_str(), static_cast<long long>(done), total_,
               static_cast<long long>(progress_.issued - done),
               static_cast<long long>(progress_.failed), rate, elapsed, left.c_str());
  std::fflush(stderr);
}

std::string plan_text(const Plan& plan, size_t shown) {
  int64_t input = 0, output = 0;
  for (const Session& session : plan.sessions) {
    for (const Turn& turn : session.turns) {
      input += turn.input_tokens;
      output += turn.max_tokens;
    }
  }
  std::string text =
      printed("plan: %zu requests in %zu sessions, %s; %lld tokens in, at most %lld out\n",
              plan.request_count(), plan.sessions.size(),
              plan.open_loop ? "by schedule" : "as there is room", static_cast<long long>(input),
              static_cast<long long>(output));
  for (const auto& [name, value] : plan.parameters) text += "  " + name + ": " + value + "\n";
  for (const std::string& note : plan.notes) text += "  note: " + note + "\n";
  text += "  schedule sha256: " + schedule_sha256(plan) + "\n";
  if (!plan.data_sha256.empty()) text += "  data sha256: " + plan.data_sha256 + "\n";
  for (size_t i = 0; i < std::min(shown, plan.sessions.size()); ++i) {
    const Session& session = plan.sessions[i];
    text += printed("  %10.3f s  %-10s", static_cast<double>(session.due_ns) * 1e-9,
                    plan.classes.at(static_cast<size_t>(session.klass)).c_str());
    for (const Turn& turn : session.turns) {
      text += printed(" %d+%d", turn.input_tokens, turn.max_tokens);
    }
    text += "\n";
  }
  return text;
}

std::string summary_text(const ResultInput& input) {
  const Summary& s = input.summary;
  std::string text = throughput_lines(input) + "\n" + latency_table(input);
  text += group_table("class", s.classes) + group_table("turn", s.turns);
  for (const auto& [name, error] : s.errors) {
    text += printed("  failed: %-14s %6zu  %s\n", name.c_str(), error.count, error.example.c_str());
  }
  text += printed("\nclient: %.1f %% of one processor, %lld events\n", input.client_cpu_share * 100,
                  static_cast<long long>(input.run.health.events));
  const OrderedJson& figures = input.server.figures;
  if (figures.is_object() && figures.contains("steps")) {
    const auto figure = [&](const char* name) { return figures.value(name, 0.0); };
    text += printed(
        "server: busy %.0f %% of the time, %.2f rows and %.1f tokens a step, at most "
        "%.0f running and %.0f waiting, KV use %.0f %%, %.0f preemptions, %.0f MiB of memory "
        "(%.0f since it began)\n",
        figure("utilisation") * 100, figure("mean_batch"), figure("mean_step_tokens"),
        figure("peak_running"), figure("peak_waiting"), figure("peak_kv_use") * 100,
        figure("preemptions"), figure("peak_resident_bytes") / (1 << 20),
        figure("vm_hwm_bytes") / (1 << 20));
    if (figure("predicted_steps") > 0) {
      text += printed(
          "step times: predicted to %.1f %% (median), %.1f %% (95th percentile), %.0f steps\n",
          figure("step_time_error_median") * 100, figure("step_time_error_p95") * 100,
          figure("predicted_steps"));
    }
  }
  if (input.joules && s.output_tokens > 0) {
    text += printed("energy: %.1f J, %.4f J a token\n", *input.joules,
                    *input.joules / static_cast<double>(s.output_tokens));
  }
  bool valid = true;
  for (const Badge& badge : input.badges) {
    if (!badge.raised) continue;
    valid = false;
    text += "[" + badge.key + "] " + badge.text + "\n";
  }
  if (valid) text += "[valid] no doubt was raised\n";
  if (!input.diagnosis.empty()) text += "bound by: " + input.diagnosis + "\n";
  return text;
}

}  // namespace kilotoken::bench
