#include "measure/bench/serve_bench.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/rng.h"
#include "measure/bench/diagnosis.h"
#include "measure/bench/environment.h"
#include "measure/bench/oracle.h"
#include "measure/bench/server_watch.h"
#include "measure/bench/terminal.h"
#include "serve/load/model_files.h"

namespace kilotoken::bench {
namespace {

constexpr int kWatchMs = 500;

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// Of a directory with a tokenizer, a GGUF file, or "demo".
Result<std::shared_ptr<Tokenizer>> open_tokenizer(const std::string& name) {
  KT_TRY(const std::filesystem::path path, resolve_model(name));
  Result<ModelFiles> files = std::filesystem::is_directory(path)
                                 ? open_model_folder(path, /*weights=*/false)
                                 : open_model_files(path);
  if (!files.ok()) return files.error();
  if (!files->tokenizer) return invalid(name + " has no tokenizer");
  return std::shared_ptr<Tokenizer>(std::move(files->tokenizer));
}

}  // namespace

bool Measured::valid() const {
  return std::none_of(badges.begin(), badges.end(), [](const Badge& b) { return b.raised; });
}

Result<ServeBench> ServeBench::prepare(ServeBenchOptions options, const Clock& clock) {
  ServeBench bench(std::move(options), clock);
  KT_TRY_VOID(bench.connect());
  KT_TRY_VOID(bench.find_tokenizer());
  KT_TRY_VOID(bench.make());
  return bench;
}

Result<ServeBench> ServeBench::prepare_beside(ServeBench& first, ServeBenchOptions options) {
  ServeBench bench(std::move(options), *first.clock_);
  KT_TRY_VOID(bench.connect());
  int& context = first.options_.data.max_model_len;
  const int own = bench.info_.max_model_len;
  if (own > 0 && (context == 0 || own < context)) context = own;
  KT_TRY_VOID(first.make());
  bench.take_plan(first);
  return bench;
}

void ServeBench::take_plan(const ServeBench& first) {
  tokenizer_ = first.tokenizer_;
  tokenizer_given_ = first.tokenizer_given_;
  tokenizer_name_ = first.tokenizer_name_;
  options_.data = first.options_.data;
  plan_ = first.plan_;
  rate_ = first.rate_;
}

// Checks the options, asks the server what it is, and fills in what follows from that.
Result<void> ServeBench::connect() {
  ServeBenchOptions& o = options_;
  KT_TRY_VOID(check(o.arrivals));
  if (!o.workload.name.empty() && (!o.arrivals.ramp.empty() || o.arrivals.burst_every_s > 0)) {
    return invalid("--workload has its own arrivals: leave out ramps and bursts");
  }
  if (o.backend != "openai" && o.backend != "openai-chat") {
    return invalid("--backend is openai (completions) or openai-chat (messages), not " + o.backend);
  }
  KT_TRY(const Url url, parse_url(o.base_url));
  KT_TRY(o.load.target, ClientTarget::resolve(url, o.insecure));
  KT_TRY(info_, ask_server(o.load.target, o.load.headers, o.ready_timeout_s));
  o.shape.chat = o.backend == "openai-chat";
  o.shape.path = o.endpoint;
  if (o.endpoint.empty()) o.shape.path = o.shape.chat ? "/v1/chat/completions" : "/v1/completions";
  o.shape.model = o.model.empty() ? info_.model : o.model;
  o.shape.server_timings = info_.ours() && o.server_times;
  o.load.headers.emplace_back("Content-Type", "application/json");
  o.load.headers.emplace_back("Accept", "text/event-stream");
  o.data.chat = o.shape.chat;
  o.data.max_model_len = info_.max_model_len;
  const bool made_up =
      !o.workload.name.empty() || (o.data.name != "sharegpt" && o.data.name != "custom");
  if (!made_up && (o.salt || o.salt_prompts.value_or(false))) {
    return invalid("--salt-prompts and --salt are for made-up prompts: those of --dataset-name " +
                   o.data.name + " are sent as they are");
  }
  o.data.salt_prompts = o.salt_prompts.value_or(made_up);
  // 31 bits: what a JSON reader of any kind keeps.
  o.data.salt = o.salt.value_or(entropy_seed() >> 33);
  return {};
}

// Asked for by name it has to be there; else it is looked for.
Result<void> ServeBench::find_tokenizer() {
  tokenizer_given_ = !options_.tokenizer.empty();
  tokenizer_name_ = tokenizer_given_ ? options_.tokenizer : options_.shape.model;
  Result<std::shared_ptr<Tokenizer>> found = open_tokenizer(tokenizer_name_);
  if (found.ok()) {
    tokenizer_ = std::move(found).value();
    return {};
  }
  if (tokenizer_given_) {
    return invalid("--tokenizer " + options_.tokenizer + ": " + found.error().message);
  }
  tokenizer_name_.clear();
  return {};
}

Result<void> ServeBench::make() {
  // A trace's prompts are nothing but made-up words, so their salt is in the words themselves: what
  // two requests share, they go on sharing.
  const bool trace = options_.workload.name.empty() && has_own_times(options_.data.name);
  const uint64_t salt = trace && options_.data.salt_prompts ? options_.data.salt + 1 : 0;
  const Words words(tokenizer_.get(), options_.data.seed ^ (salt * 0x9E3779B97F4A7C15u));
  ArrivalOptions arrival = options_.arrivals;
  arrival.seed = options_.data.seed;
  if (std::isinf(arrival.rate)) arrival.rate = default_rate(options_.workload);
  rate_ = arrival.rate;
  if (!options_.workload.name.empty()) {
    KT_TRY(plan_, plan_workload(options_.workload, options_.data, words, arrival));
  } else {
    KT_TRY(plan_, make_plan(options_.data, words));
  }
  plan_.parameters.emplace_back("seed", std::to_string(options_.data.seed));
  if (options_.data.salt_prompts) {
    plan_.parameters.emplace_back("salt", std::to_string(options_.data.salt));
  }
  const bool schedule = !std::isinf(arrival.rate) || !arrival.ramp.empty();
  if (plan_.open_loop && schedule) {
    return invalid("--dataset-name " + options_.data.name +
                   " has its own times: leave out rates, bursts and ramps (--trace-speed makes it "
                   "faster)");
  }
  if (!schedule) return {};
  const std::vector<int64_t> times = arrivals(plan_.sessions.size(), arrival);
  for (size_t i = 0; i < times.size(); ++i) plan_.sessions[i].due_ns = times[i];
  plan_.open_loop = true;
  return {};
}

Result<void> ServeBench::prepare_next(std::optional<double> rate) {
  if (!options_.salt) options_.data.salt = entropy_seed() >> 33;
  if (rate) options_.arrivals.rate = *rate;
  KT_TRY_VOID(check(options_.arrivals));
  return make();
}

// Requests that are not counted, one after the other, of other words than the plan's.
WarmUps ServeBench::warm_up(const std::atomic<bool>& stop) {
  WarmUps warmups;
  if (options_.warmups == 0 || plan_.sessions.empty()) return warmups;
  const Words words(tokenizer_.get(), ~options_.data.salt);
  Plan plan;
  for (int i = 0; i < options_.warmups; ++i) {
    const Turn& like = plan_.sessions[static_cast<size_t>(i) % plan_.sessions.size()].turns.front();
    Turn turn;
    fill_turn(turn, options_.data, words, 99, static_cast<uint64_t>(i),
              std::max(like.input_tokens, 1));
    turn.max_tokens = like.max_tokens;
    plan.sessions.push_back({{std::move(turn)}, 0, "", 0});
  }
  LoadOptions load = options_.load;
  load.shape = options_.shape;
  load.max_concurrency = 1;
  load.threads = 1;
  load.request_id_prefix.clear();
  LoadProgress progress;
  for (const RequestRecord& record : run_load(plan, load, *clock_, progress, stop).records) {
    ++warmups.sent;
    if (record.ok()) continue;
    ++warmups.failed;
    warmups.example = std::string(name_of(record.outcome)) + ": " + record.error;
  }
  return warmups;
}

// Where the server gives no counts, the text is counted here. Returns the share of tokens that the
// others did not count, by --tokenizer.
double ServeBench::count_tokens(LoadRun& run) const {
  int64_t said = 0, off = 0;
  for (RequestRecord& record : run.records) {
    if (!record.ok()) continue;
    const bool counted = record.source != TokenSource::kNone;
    if (counted && !(tokenizer_ && tokenizer_given_)) continue;
    int64_t own = static_cast<int64_t>(record.chunks.size());
    if (tokenizer_) {
      const auto ids = tokenizer_->encode(record.text, false);
      if (ids.ok()) own = static_cast<int64_t>(ids->size());
    }
    if (!counted) {
      record.output_tokens = own;
      record.source = tokenizer_ ? TokenSource::kTokenizer : TokenSource::kChunks;
      continue;
    }
    said += record.output_tokens;
    // A sampled text may have more tokens than it takes to write it, hardly fewer.
    off += std::max<int64_t>(0, own - record.output_tokens - 1);
  }
  return said > 0 ? static_cast<double>(off) / static_cast<double>(said) : 0;
}

Measured ServeBench::measure(const std::atomic<bool>& stop) {
  Measured measured;
  const WarmUps warmups = warm_up(stop);
  LoadOptions load = options_.load;
  load.shape = options_.shape;
  measured.server.name = info_.owner;
  measured.server.version = info_.version;
  measured.server.ours = info_.ours();
  measured.server.configuration = info_.configuration;
  const OrderedJson environment = environment_json(options_.version);
  std::optional<ServerWatch> watch;
  if (info_.ours() && options_.server_times) {
    watch.emplace(load.target, load.headers, kWatchMs, *clock_);
  }
  const EnergyMeter energy;
  LoadProgress progress;
  {
    const ProgressBar bar(progress, plan_.request_count(), *clock_, options_.progress);
    measured.run = run_load(plan_, load, *clock_, progress, stop);
  }
  const std::optional<double> joules = energy.joules();
  if (watch) watch->stop(measured.server, measured.run.begin_ns);
  const double mismatch = count_tokens(measured.run);
  SummaryOptions& summary = measured.judged_by;
  summary = options_.summary;
  const double oracle = oracle_hit_rate(plan_, measured.run, load.shape.chat);
  summary.from_intended = options_.from_intended.value_or(plan_.open_loop);
  measured.summary = summarise(measured.run, plan_.classes, summary);
  measured.badges = judge({plan_, measured.run, measured.summary, summary.percentiles,
                           load.max_concurrency, tokenizer_given_, mismatch, warmups, oracle});
  const Diagnosis diagnosis = diagnose(measured.run);
  OrderedJson shares = OrderedJson::object();
  for (const auto& [name, share] : diagnosis.shares) shares[name] = share;
  OrderedJson configuration = options_.configuration;
  configuration["latency_origin"] = summary.from_intended ? "intended" : "start";
  const double wall = std::max(measured.summary.duration_s, 1e-9);
  const ResultInput input{.date = date_now(),
                          .label = options_.label,
                          .backend = options_.backend,
                          .model = load.shape.model,
                          .tokenizer = tokenizer_name_,
                          .request_rate = rate_,
                          .burstiness = options_.arrivals.burstiness,
                          .max_concurrency = load.max_concurrency,
                          .planned = plan_.request_count(),
                          .plan = plan_,
                          .run = measured.run,
                          .summary = measured.summary,
                          .badges = measured.badges,
                          .server = measured.server,
                          .diagnosis = diagnosis.text,
                          .diagnosis_shares = shares,
                          .configuration = configuration,
                          .environment = environment,
                          .joules = joules,
                          .no_joules = energy.why_not(),
                          .client_cpu_share = measured.run.health.cpu_s() / wall,
                          .mismatch_share = mismatch,
                          .oracle_hit_rate = oracle,
                          .metadata = options_.metadata};
  measured.json = result_json(input);
  measured.text = summary_text(input);
  return measured;
}

}  // namespace kilotoken::bench
