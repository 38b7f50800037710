#include "cli/bench_options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <map>

#include "serve/load/model_files.h"

namespace kilotoken {
namespace {

// A number above 0, or inf.
Result<double> rate_of(const std::string& text, const char* flag) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && value > 0) return value;
  return invalid(std::string(flag) + " " + text + ": write a number above 0, or inf");
}

void add_target(CLI::App& command, BenchOptions& o) {
  const std::string group = "Server";
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group);
  };
  add("--base-url", o.base_url, "http:// or https://; instead of --host and --port");
  add("--host", o.host, "of the server")->capture_default_str();
  add("--port", o.port, "of the server")->capture_default_str();
  add("--backend", o.serve.backend, "openai (completions) or openai-chat (messages)")
      ->capture_default_str();
  add("--endpoint", o.serve.endpoint, "path; default: the backend's");
  add("--model", o.serve.model, "name; default: the first that the server serves");
  add("--tokenizer", o.serve.tokenizer,
      "a model whose tokenizer counts prompts and answers; default: --model, if it is one here");
  add("--api-key", o.api_key, "sent as Authorization: Bearer; default: $OPENAI_API_KEY");
  add("--header", o.headers, "NAME=VALUE sent with each request; may be repeated");
  add("--ready-check-timeout-sec", o.serve.ready_timeout_s, "how long to wait for the server")
      ->capture_default_str();
  command.add_flag("--insecure", o.serve.insecure, "do not check an https certificate")
      ->group(group);
  command
      .add_flag("--no-server-times", o.no_server_times,
                "do not ask a kilotoken server for its own times")
      ->group(group);
  command
      .add_flag("--no-continuous-usage", o.no_continuous_usage,
                "do not ask for counts in every event (servers that refuse the field)")
      ->group(group);
}

void add_data(CLI::App& command, BenchOptions& o) {
  const std::string group = "Data";
  bench::DataOptions& d = o.serve.data;
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group)->capture_default_str();
  };
  add("--dataset-name", d.name, "sharegpt, random, prefix_repetition, custom, azure, mooncake");
  add("--dataset-path", d.path, "its file; sharegpt has one of the built-in model's");
  add("--workload", o.serve.workload.name, "chat, summarize or mixed, instead of a dataset");
  add("--turns", o.serve.workload.turns, "of a chat's sessions");
  add("--think-time", o.serve.workload.think_s, "seconds between a chat's turns, on average");
  add("--num-prompts", d.count, "requests");
  add("--seed", d.seed, "of data and arrivals");
  add("--input-len", o.input_len,
      "of the prompts of random, and of the suffixes of prefix_repetition");
  add("--output-len", o.output_len,
      "of answers, for every dataset but traces; custom: where a line says none");
  add("--random-input-len", d.random_input_len, "tokens");
  add("--random-output-len", d.random_output_len, "tokens");
  add("--random-prefix-len", d.random_prefix_len, "tokens that all prompts begin with");
  add("--random-range-ratio", d.random_range_ratio, "lengths from L (1 - r) to L (1 + r)");
  add("--prefix-repetition-prefix-len", d.prefix_len, "tokens");
  add("--prefix-repetition-suffix-len", d.suffix_len, "tokens");
  add("--prefix-repetition-num-prefixes", d.num_prefixes, "different ones");
  add("--prefix-repetition-output-len", d.prefix_output_len, "tokens");
  add("--sharegpt-output-len", d.sharegpt_output_len, "tokens; 0: as the answer in the file");
  add("--custom-output-len", d.custom_output_len, "tokens, where a line says none");
  add("--trace-speed", d.trace_speed, "how much faster a trace's clock runs")
      ->check(CLI::PositiveNumber);
  command.add_flag("!--no-oversample", d.oversample, "do not repeat records of a short file")
      ->group(group);
  command.add_flag("!--disable-shuffle", d.shuffle, "take a file's records in their order")
      ->group(group);
  command
      .add_flag_callback(
          "--salt-prompts", [&o] { o.serve.salt_prompts = true; },
          "begin prompts with words that no run before has sent; the default for "
          "made-up ones")
      ->group(group);
  command
      .add_flag_callback(
          "--no-salt-prompts", [&o] { o.serve.salt_prompts = false; },
          "send the prompts of the seed alone: a cache may know them")
      ->group(group);
  command.add_option("--salt", o.serve.salt, "of an earlier run, to send its very prompts")
      ->group(group);
}

void add_load(CLI::App& command, BenchOptions& o) {
  const std::string group = "Load";
  bench::ArrivalOptions& a = o.serve.arrivals;
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group)->capture_default_str();
  };
  add("--request-rate", o.rate, "requests per second, or inf: all at once");
  add("--burstiness", o.burstiness, "shape of the gaps: 1 is Poisson, inf constant");
  add("--max-concurrency", o.serve.load.max_concurrency, "requests at once; 0: no limit")
      ->check(CLI::NonNegativeNumber);
  add("--max-in-flight", o.serve.load.max_in_flight,
      "requests at once, beyond which they are dropped and counted; 0: no limit")
      ->check(CLI::NonNegativeNumber);
  add("--ramp-up-strategy", a.ramp, "linear or exponential");
  add("--ramp-up-start-rps", a.ramp_start, "requests per second");
  add("--ramp-up-end-rps", a.ramp_end, "requests per second");
  add("--burst-rate", a.burst_rate, "requests per second within bursts");
  add("--burst-every", a.burst_every_s, "seconds from burst to burst");
  add("--burst-for", a.burst_for_s, "seconds of a burst");
  command
      .add_flag("!--no-rescale-arrivals", a.rescale,
                "do not stretch the schedule to end at n / rate")
      ->group(group);
  add("--duration", o.duration_s, "seconds after which no request begins; 0: all of them");
  add("--num-warmups", o.serve.warmups, "requests before, not counted");
  add("--request-timeout", o.request_timeout_s, "seconds for a whole request");
  add("--stall-timeout", o.stall_timeout_s, "seconds without a byte");
  add("--threads", o.serve.load.threads, "of the client")->check(CLI::Range(1, 256));
  add("--request-id-prefix", o.serve.load.request_id_prefix, "of the header x-request-id");
}

void add_sampling(CLI::App& command, BenchOptions& o) {
  const std::string group = "Sampling";
  bench::RequestShape& s = o.serve.shape;
  const auto add = [&](const char* name, auto& value) {
    command.add_option(name, value, "sent if given")->group(group);
  };
  command.add_flag("--ignore-eos", s.ignore_eos, "answers go on to their full length")
      ->group(group);
  add("--temperature", s.temperature);
  add("--top-p", s.top_p);
  add("--top-k", s.top_k);
  add("--min-p", s.min_p);
  add("--frequency-penalty", s.frequency_penalty);
  add("--presence-penalty", s.presence_penalty);
  add("--repetition-penalty", s.repetition_penalty);
  add("--logprobs", s.logprobs);
  add("--sampling-seed", s.seed);
  command.add_option("--extra-body", s.extra_json, "a JSON object whose members are sent")
      ->group(group);
}

void add_metrics(CLI::App& command, BenchOptions& o) {
  const std::string group = "Metrics";
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group);
  };
  add("--metric-percentiles", o.percentiles, "a list")->delimiter(',')->default_str("50,95,99");
  add("--goodput", o.goodput, "limits in ms, as ttft:500 tpot:50 itl:60 e2el:5000");
  add("--slo-preset", o.slo_preset, "chat, rag, agent, content, codegen or completion");
  add("--latency-origin", o.latency_origin,
      "intended or start: where goodput and adjusted percentiles begin; auto: intended if there "
      "is a schedule")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "intended", "start"}));
  add("--label", o.serve.label, "of the run");
  add("--metadata", o.metadata, "NAME=VALUE kept in the result; may be repeated");
  command.add_flag("--disable-tqdm", o.disable_tqdm, "no progress bar")->group(group);
}

// GuideLLM's guide: P99 limits in ms.
Result<std::vector<std::string>> preset_of(const std::string& name) {
  const std::map<std::string, std::vector<std::string>> presets = {
      {"chat", {"ttft:200", "itl:50"}},
      {"rag", {"ttft:300", "itl:100", "e2el:3000"}},
      {"agent", {"e2el:5000"}},
      {"content", {"ttft:600", "itl:200"}},
      {"codegen", {"ttft:500", "itl:150"}},
      {"completion", {"e2el:2000"}}};
  const auto found = presets.find(name);
  if (found != presets.end()) return found->second;
  return invalid("--slo-preset " + name +
                 " is not known: write chat, rag, agent, content, codegen or completion");
}

Result<std::pair<std::string, std::string>> pair_of(const std::string& text, const char* flag) {
  const size_t equal = text.find('=');
  if (equal == 0 || equal == text.npos || text.find_first_of("\r\n") != text.npos) {
    return invalid(std::string(flag) + " \"" + text + "\": write NAME=VALUE");
  }
  return std::pair(text.substr(0, equal), text.substr(equal + 1));
}

Result<void> read_percentiles(const BenchOptions& o, bench::SummaryOptions& summary) {
  if (o.percentiles.empty()) return {};
  summary.percentiles.clear();
  for (const std::string& text : o.percentiles) {
    double p = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, p).ptr != end || !(p > 0) || !(p < 100)) {
      return invalid("--metric-percentiles \"" + text + "\": write numbers between 0 and 100");
    }
    summary.percentiles.push_back(p);
  }
  return {};
}

void apply_lengths(const BenchOptions& o, bench::DataOptions& data) {
  if (o.input_len > 0) data.random_input_len = data.suffix_len = o.input_len;
  if (o.output_len <= 0) return;
  data.random_output_len = data.sharegpt_output_len = o.output_len;
  data.prefix_output_len = data.custom_output_len = o.output_len;
}

}  // namespace

void add_bench_options(CLI::App& command, BenchOptions& options) {
  add_target(command, options);
  add_data(command, options);
  add_load(command, options);
  add_sampling(command, options);
  add_metrics(command, options);
}

void add_run_options(CLI::App& command, BenchOptions& o) {
  const std::string group = "Results";
  const auto add = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->group(group);
  };
  const auto add_flag = [&](const char* name, bool& value, const char* help) {
    command.add_flag(name, value, help)->group(group);
  };
  add_flag("--save-result", o.save_result, "write the JSON");
  add_flag("--append-result", o.append_result, "add the JSON to the file, as a line of it");
  add_flag("--save-detailed", o.save_detailed, "write a line for each request as well");
  add("--result-dir", o.result_dir, "where to write; default: here");
  add("--result-filename", o.result_filename, "default: made of label, rate and date");
  add("--report", o.report, "one HTML page with everything");
  command.add_option("--repeat", o.repeat, "runs, of which medians and their spread are shown")
      ->group(group)
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  add_flag("--print-plan", o.print_plan, "show the schedule and send nothing");
  add_flag("--strict", o.strict, "exit code 3 when a doubt is raised");
}

OrderedJson given_flags(const CLI::App& command) {
  OrderedJson flags = OrderedJson::object();
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0) continue;
    const std::string name = option->get_name();
    const bool secret = name == "--api-key" || name == "--header";
    flags[name] = secret ? OrderedJson("(not shown)") : OrderedJson(option->results());
  }
  return flags;
}

Result<bench::ServeBenchOptions> serve_options(const BenchOptions& options) {
  bench::ServeBenchOptions serve = options.serve;
  serve.base_url = options.base_url.empty()
                       ? "http://" + options.host + ":" + std::to_string(options.port)
                       : options.base_url;
  KT_TRY(serve.arrivals.rate, rate_of(options.rate, "--request-rate"));
  KT_TRY(serve.arrivals.burstiness, rate_of(options.burstiness, "--burstiness"));
  std::vector<std::string> limits = options.goodput;
  if (!options.slo_preset.empty()) {
    KT_TRY(limits, preset_of(options.slo_preset));
    limits.insert(limits.end(), options.goodput.begin(), options.goodput.end());
  }
  KT_TRY(serve.summary.slos, bench::parse_slos(limits));
  KT_TRY_VOID(read_percentiles(options, serve.summary));
  for (const std::string& header : options.headers) {
    KT_TRY(auto pair, pair_of(header, "--header"));
    serve.load.headers.push_back(std::move(pair));
  }
  for (const std::string& text : options.metadata) {
    KT_TRY(auto pair, pair_of(text, "--metadata"));
    serve.metadata.push_back(std::move(pair));
  }
  const char* key = std::getenv("OPENAI_API_KEY");
  const std::string api_key = options.api_key.empty() && key ? key : options.api_key;
  if (!api_key.empty()) serve.load.headers.emplace_back("Authorization", "Bearer " + api_key);
  if (!serve.shape.extra_json.empty()) {
    KT_TRY(const Json extra, parse_json(serve.shape.extra_json, "--extra-body"));
    if (!extra.is_object()) return invalid("--extra-body must be a JSON object");
  }
  if (options.latency_origin != "auto") {
    serve.from_intended = options.latency_origin == "intended";
  }
  serve.load.request_timeout_ns = static_cast<int64_t>(options.request_timeout_s * 1e9);
  serve.load.stall_timeout_ns = static_cast<int64_t>(options.stall_timeout_s * 1e9);
  serve.load.duration_ns = static_cast<int64_t>(options.duration_s * 1e9);
  serve.shape.continuous_usage = !options.no_continuous_usage;
  serve.server_times = !options.no_server_times;
  serve.progress = !options.disable_tqdm;
  apply_lengths(options, serve.data);
  if (serve.data.count == 0) return invalid("--num-prompts must be above 0");
  if (serve.data.name == "sharegpt" && serve.data.path.empty()) {
    KT_TRY(const auto demo, resolve_model("demo"));
    serve.data.path = demo / "data" / "conversations.json";
  }
  return serve;
}

}  // namespace kilotoken
