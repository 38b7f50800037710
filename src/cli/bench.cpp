// kilotoken bench: measures servers. A subcommand of its own for each kind of measurement.

#include "cli/bench.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "base/files.h"
#include "cli/bench_options.h"
#include "cli/commands.h"
#include "measure/bench/compare.h"
#include "measure/bench/null_server.h"
#include "measure/bench/report.h"
#include "measure/bench/terminal.h"

namespace kilotoken {

std::atomic<bool>& BenchStop::flag() {
  static std::atomic<bool> stopped{false};
  return stopped;
}

BenchStop::BenchStop() {
  struct sigaction action {};
  action.sa_handler = [](int) { flag() = true; };
  action.sa_flags = SA_RESETHAND;  // a second Ctrl-C ends at once
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void print_run(const std::string& name, const bench::Measured& measured) {
  const bench::Summary& s = measured.summary;
  std::printf("%s: %.2f requests/s, %.1f tok/s, median TTFT %.2f ms, TPOT %.2f ms, %zu failed\n",
              name.c_str(), s.request_throughput, s.output_throughput, s.ttft.median, s.tpot.median,
              s.issued - s.completed);
  for (const bench::Badge& badge : measured.badges) {
    if (badge.raised) std::printf("  [%s] %s\n", badge.key.c_str(), badge.text.c_str());
  }
  std::fflush(stdout);
}

namespace {

std::string result_path(const BenchOptions& options, const OrderedJson& json) {
  std::string name = options.result_filename;
  if (name.empty()) {
    const std::string label = options.serve.label.empty() ? "bench" : options.serve.label;
    const OrderedJson& rate = json.at("request_rate");
    name = label + "-" + (rate.is_string() ? rate.get<std::string>() : rate.dump()) + "qps-" +
           json.value("date", "") + ".json";
  }
  return options.result_dir.empty() ? name : options.result_dir + "/" + name;
}

// One result, or those of all repeats.
Result<void> save_result(const BenchOptions& options, const std::string& path,
                         const std::vector<OrderedJson>& runs) {
  if (options.append_result) {
    std::ofstream file(path, std::ios::binary | std::ios::app);
    for (const OrderedJson& run : runs) file << run.dump() << "\n";
    file.close();
    if (!file) return Error{ErrorCode::kIo, "cannot add a line to " + path, {}};
  } else if (options.save_result || options.save_detailed || !options.result_filename.empty()) {
    const OrderedJson json = runs.size() == 1 ? runs.front() : OrderedJson(runs);
    KT_TRY_VOID(write_text_file(path, json.dump(1) + "\n"));
  } else {
    return {};
  }
  std::printf("result: %s\n", path.c_str());
  return {};
}

Result<void> save(const BenchOptions& options, const bench::ServeBench& bench,
                  const bench::Measured& measured) {
  const std::string path = result_path(options, measured.json);
  KT_TRY_VOID(save_result(options, path, {measured.json}));
  if (!options.save_detailed && options.report.empty()) return {};
  const std::string requests =
      bench::detail_jsonl(measured.run, bench.plan().classes, measured.judged_by);
  if (options.save_detailed) {
    const std::string lines = path.substr(0, path.rfind(".json")) + ".requests.jsonl";
    KT_TRY_VOID(write_text_file(lines, requests));
    std::printf("requests: %s\n", lines.c_str());
  }
  if (!options.report.empty()) {
    KT_TRY(const std::string html, bench::report_html(measured.json, requests));
    KT_TRY_VOID(write_text_file(options.report, html));
    std::printf("report: %s\n", options.report.c_str());
  }
  return {};
}

Result<void> refuse_doubts(const BenchOptions& options, bool valid) {
  if (valid || !options.strict) return {};
  return invalid("--strict: a doubt was raised (the lines in brackets)", "--strict");
}

// The same plan again and again, with new salt.
Result<void> measure_repeats(const BenchOptions& options, bench::ServeBench& bench) {
  std::vector<OrderedJson> runs;
  bool valid = true;
  for (int i = 0; i < options.repeat && !BenchStop::flag(); ++i) {
    if (i > 0) KT_TRY_VOID(bench.prepare_next());
    const bench::Measured measured = bench.measure(BenchStop::flag());
    print_run("run " + std::to_string(i + 1) + " of " + std::to_string(options.repeat), measured);
    valid = valid && measured.valid();
    runs.push_back(measured.json);
  }
  if (runs.empty()) return {};
  std::printf("\n%s", bench::repeats_text(runs).c_str());
  KT_TRY_VOID(save_result(options, result_path(options, runs.front()), runs));
  return refuse_doubts(options, valid);
}

Result<void> bench_serve(const BenchOptions& options) {
  const SystemClock clock;
  if (options.repeat > 1 && (options.save_detailed || !options.report.empty())) {
    return invalid("--save-detailed and --report are of one run: leave out --repeat");
  }
  KT_TRY(bench::ServeBenchOptions serve, serve_options(options));
  serve.version = KILOTOKEN_VERSION;
  KT_TRY(bench::ServeBench bench, bench::ServeBench::prepare(std::move(serve), clock));
  std::fputs(
      bench::plan_text(bench.plan(), options.print_plan ? bench.plan().sessions.size() : 0).c_str(),
      stdout);
  if (options.print_plan) return {};
  std::fflush(stdout);
  const BenchStop stop;
  if (options.repeat > 1) return measure_repeats(options, bench);
  const bench::Measured measured = bench.measure(BenchStop::flag());
  std::printf("\n%s", measured.text.c_str());
  KT_TRY_VOID(save(options, bench, measured));
  return refuse_doubts(options, measured.valid());
}

struct NullOptions {
  bench::NullServerOptions server;
  double ttft_ms = 0, itl_ms = 0, warm_ttft_ms = -1, cold_ms = 0, stall_at_ms = 0, stall_ms = 0;
  std::string fault = "none";
};

bench::NullServer* running_null_server = nullptr;

Result<void> null_server(NullOptions& options) {
  bench::NullServerOptions& server = options.server;
  KT_TRY(server.fault, bench::parse_null_fault(options.fault));
  const auto us = [](double ms) { return static_cast<int64_t>(ms * 1000); };
  server.ttft_us = us(options.ttft_ms);
  server.itl_us = us(options.itl_ms);
  server.warm_ttft_us = us(options.warm_ttft_ms);
  server.cold_us = us(options.cold_ms);
  server.stall_at_us = us(options.stall_at_ms);
  server.stall_us = us(options.stall_ms);
  const SystemClock clock;
  bench::NullServer null(server, clock);
  KT_TRY(const int port, null.start());
  std::printf("port %d\n", port);
  std::fflush(stdout);
  running_null_server = &null;
  const auto end = [](int) { running_null_server->stop(); };
  std::signal(SIGTERM, end);
  std::signal(SIGINT, end);
  null.run();
  return {};
}

Command add_null_server(CLI::App& bench) {
  auto options = std::make_shared<NullOptions>();
  CLI::App* command = bench.add_subcommand(
      "null-server", "A server without a model, whose times are known beforehand and logged");
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command->add_option(name, value, help)->capture_default_str();
  };
  bench::NullServerOptions& server = options->server;
  add("--port", server.port, "0: any free one; it is printed");
  add("--ttft-ms", options->ttft_ms, "to the first token");
  add("--itl-ms", options->itl_ms, "from event to event; 0: as fast as it goes");
  add("--tokens-per-event", server.tokens_per_event, "tokens in an event")
      ->check(CLI::PositiveNumber);
  add("--max-running", server.max_running, "requests served at once; 0: no limit");
  add("--warm-ttft-ms", options->warm_ttft_ms, "for prompts that begin as one before");
  add("--cold-requests", server.cold_requests, "so many first requests are slower");
  add("--cold-ms", options->cold_ms, "by so much");
  add("--drift", server.drift, "each second TTFT grows by this share");
  add("--stall-at-ms", options->stall_at_ms, "after the first request everything stops ...");
  add("--stall-ms", options->stall_ms, "... for so long");
  add("--null-fault", options->fault, "how to misbehave");
  add("--null-fault-every", server.fault_every, "of so many requests one is hit")
      ->check(CLI::PositiveNumber);
  add("--log", server.log_path, "a line for each request: what was sent when");
  command->add_flag("--role-event", server.role_event, "an event without a token comes first");
  return [options] { return null_server(*options); };
}

Command add_bench_serve(CLI::App& bench) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = bench.add_subcommand("serve", "Measure a server over HTTP");
  add_bench_options(*command, *options);
  add_run_options(*command, *options);
  return [options, command] {
    options->serve.configuration["flags"] = given_flags(*command);
    return bench_serve(*options);
  };
}

}  // namespace

Command add_bench(CLI::App& program) {
  CLI::App* bench = program.add_subcommand("bench", "Measure a server, an engine or the client");
  bench->require_subcommand(1);
  auto chosen = std::make_shared<Command>();
  const auto remember = [&](const char* name, Command command) {
    bench->get_subcommand(name)->final_callback([chosen, command] { *chosen = command; });
  };
  remember("serve", add_bench_serve(*bench));
  remember("throughput", add_bench_throughput(*bench));
  remember("latency", add_bench_latency(*bench));
  remember("sweep", add_bench_sweep(*bench));
  remember("compare", add_bench_compare(*bench));
  remember("calibrate", add_bench_calibrate(*bench));
  remember("null-server", add_null_server(*bench));
  return [chosen] { return (*chosen)(); };
}

}  // namespace kilotoken
