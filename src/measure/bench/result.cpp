#include "measure/bench/result.h"

#include <algorithm>
#include <cmath>

#include "measure/bench/print.h"

namespace kilotoken::bench {
namespace {

std::string percent_name(double p) { return printed("p%g", p); }

void add_flat(OrderedJson& json, const std::string& name, const Distribution& d) {
  json["mean_" + name + "_ms"] = number_or_null(d.mean);
  json["median_" + name + "_ms"] = number_or_null(d.median);
  json["std_" + name + "_ms"] = number_or_null(d.deviation);
  for (const Percentile& percentile : d.percentiles) {
    json[percent_name(percentile.p) + "_" + name + "_ms"] = number_or_null(percentile.value);
  }
}

OrderedJson group_json(const Group& group) {
  return {{"name", group.name},
          {"issued", group.issued},
          {"completed", group.completed},
          {"input_tokens", group.input_tokens},
          {"output_tokens", group.output_tokens},
          {"output_throughput", group.output_throughput},
          {"ttft_ms", distribution_json(group.ttft)},
          {"tpot_ms", distribution_json(group.tpot)},
          {"e2el_ms", distribution_json(group.e2el)}};
}

OrderedJson groups_json(const std::vector<Group>& groups) {
  OrderedJson list = OrderedJson::array();
  for (const Group& group : groups) list.push_back(group_json(group));
  return list;
}

OrderedJson pairs_json(const std::vector<std::pair<std::string, std::string>>& pairs) {
  OrderedJson json = OrderedJson::object();
  for (const auto& [name, value] : pairs) json[name] = value;
  return json;
}

OrderedJson load_json(const ResultInput& input) {
  const Summary& summary = input.summary;
  const double achieved =
      summary.duration_s > 0 ? static_cast<double>(summary.issued) / summary.duration_s : 0;
  return {{"kind", input.plan.open_loop ? "open" : "closed"},
          {"planned", input.planned},
          {"issued", summary.issued},
          {"achieved_rate", achieved},
          {"schedule_sha256", schedule_sha256(input.plan)},
          {"data_sha256", input.plan.data_sha256.empty() ? OrderedJson(nullptr)
                                                         : OrderedJson(input.plan.data_sha256)},
          {"parameters", pairs_json(input.plan.parameters)},
          {"notes", input.plan.notes},
          {"send_lag_ms", distribution_json(summary.send_lag)}};
}

OrderedJson client_json(const ResultInput& input) {
  const ClientHealth& health = input.run.health;
  OrderedJson threads = OrderedJson::array();
  for (const ThreadHealth& thread : health.threads) {
    threads.push_back({{"cpu_s", thread.cpu_s},
                       {"wall_s", thread.wall_s},
                       {"waited_for_cpu_s", number_or_null(thread.queued_s)}});
  }
  const double wall = std::max(input.summary.duration_s, 1e-9);
  const double rate = static_cast<double>(health.events) / wall;
  OrderedJson json = {
      {"threads", threads},
      {"cpu_share_of_one_core", input.client_cpu_share},
      {"beat_late_ms", distribution_json(distribution_of(health.late_ms, {50, 99}))},
      {"events", health.events},
      {"events_per_s", rate},
      {"read_bytes", health.read_bytes},
      {"reads", health.reads},
      {"connections", health.connections},
      {"resent", health.resent}};
  json["cpu_share_per_1000_events_per_s"] =
      rate >= 100 ? OrderedJson(input.client_cpu_share / rate * 1000) : OrderedJson(nullptr);
  return json;
}

OrderedJson goodput_json(const Summary& summary) {
  OrderedJson attainment = OrderedJson::object();
  for (const auto& [name, share] : summary.goodput.attainment) attainment[name] = share;
  return {{"good", summary.goodput.good},
          {"request_per_s", summary.goodput.request_per_s},
          {"token_per_s", summary.goodput.token_per_s},
          {"share_of_issued", summary.goodput.share_of_issued},
          {"attainment", attainment}};
}

OrderedJson tokens_json(const ResultInput& input) {
  const Summary& summary = input.summary;
  OrderedJson sources = OrderedJson::object();
  for (const auto& [name, count] : summary.token_sources) sources[name] = count;
  const bool known = summary.cached_known && summary.input_tokens > 0;
  return {{"sources", sources},
          {"per_chunk",
           number_or_null(summary.tokens_per_chunk > 0 ? summary.tokens_per_chunk : std::nan(""))},
          {"input_known", summary.input_known},
          {"cached", summary.cached_known ? OrderedJson(summary.cached_tokens) : nullptr},
          {"hit_rate", known ? OrderedJson(static_cast<double>(summary.cached_tokens) /
                                           static_cast<double>(summary.input_tokens))
                             : OrderedJson(nullptr)},
          {"oracle_hit_rate", input.oracle_hit_rate},
          {"mismatch_share", input.mismatch_share}};
}

OrderedJson server_json(const ServerView& server) {
  OrderedJson series = OrderedJson::object();
  series["tick_s"] = server.tick_s;
  for (const auto& [name, values] : server.series) series[name] = values;
  return {{"name", server.name},
          {"version", server.version},
          {"ours", server.ours},
          {"configuration", server.configuration},
          {"figures", server.figures.is_null() ? OrderedJson::object() : server.figures},
          {"series", series}};
}

void add_top(OrderedJson& json, const ResultInput& input) {
  const Summary& summary = input.summary;
  json["date"] = input.date;
  json["endpoint_type"] = input.backend;
  json["backend"] = input.backend;
  json["label"] = input.label.empty() ? OrderedJson(nullptr) : OrderedJson(input.label);
  json["model_id"] = input.model;
  json["tokenizer_id"] =
      input.tokenizer.empty() ? OrderedJson(nullptr) : OrderedJson(input.tokenizer);
  json["num_prompts"] = input.planned;
  for (const auto& [key, value] : input.metadata) json[key] = value;
  json["request_rate"] =
      std::isinf(input.request_rate) ? OrderedJson("inf") : OrderedJson(input.request_rate);
  json["burstiness"] =
      std::isinf(input.burstiness) ? OrderedJson("inf") : OrderedJson(input.burstiness);
  json["max_concurrency"] =
      input.max_concurrency > 0 ? OrderedJson(input.max_concurrency) : OrderedJson(nullptr);
  json["duration"] = summary.duration_s;
  json["completed"] = summary.completed;
  json["failed"] = summary.issued - summary.completed;
  json["total_input_tokens"] = summary.input_tokens;
  json["total_output_tokens"] = summary.output_tokens;
  json["request_throughput"] = summary.request_throughput;
  json["request_goodput"] = summary.goodput.attainment.empty()
                                ? OrderedJson(nullptr)
                                : OrderedJson(summary.goodput.request_per_s);
  json["output_throughput"] = summary.output_throughput;
  json["total_token_throughput"] = summary.total_throughput;
  json["max_output_tokens_per_s"] = summary.peak_output_per_s;
  json["max_concurrent_requests"] = summary.max_concurrent;
  add_flat(json, "ttft", summary.ttft);
  add_flat(json, "tpot", summary.tpot);
  add_flat(json, "itl", summary.itl);
  add_flat(json, "e2el", summary.e2el);
}

OrderedJson latencies_json(const Summary& summary) {
  return {{"ttft", distribution_json(summary.ttft)},
          {"tpot", distribution_json(summary.tpot)},
          {"itl", distribution_json(summary.itl)},
          {"e2el", distribution_json(summary.e2el)},
          {"ntpot", distribution_json(summary.ntpot)},
          {"itl_token", distribution_json(summary.itl_token)}};
}

OrderedJson errors_json(const Summary& summary) {
  OrderedJson errors = OrderedJson::object();
  for (const auto& [name, error] : summary.errors) {
    errors[name] = {{"count", error.count}, {"example", error.example}};
  }
  return errors;
}

}  // namespace

OrderedJson number_or_null(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
}

OrderedJson distribution_json(const Distribution& d) {
  OrderedJson json = {{"count", d.count},
                      {"mean", number_or_null(d.mean)},
                      {"median", number_or_null(d.median)},
                      {"std", number_or_null(d.deviation)},
                      {"min", number_or_null(d.least)},
                      {"max", number_or_null(d.most)}};
  for (const Percentile& percentile : d.percentiles) {
    OrderedJson entry = {{"value", number_or_null(percentile.value)}};
    if (std::isinf(percentile.value)) entry["value"] = "inf";
    entry["ci95"] = nullptr;
    if (percentile.ci95) {
      entry["ci95"] = {number_or_null(percentile.ci95->low), number_or_null(percentile.ci95->high)};
    }
    entry["insufficient"] = percentile.insufficient;
    json[percent_name(percentile.p)] = std::move(entry);
  }
  return json;
}

OrderedJson result_json(const ResultInput& input) {
  const Summary& summary = input.summary;
  OrderedJson json = {{"schema", "bench/1"}};
  add_top(json, input);
  OrderedJson x = OrderedJson::object();
  x["partial"] = input.run.interrupted;
  x["badges"] = OrderedJson::array();
  for (const Badge& badge : input.badges) {
    x["badges"].push_back({{"key", badge.key}, {"raised", badge.raised}, {"text", badge.text}});
  }
  x["diagnosis"] = input.diagnosis;
  x["diagnosis_shares"] = input.diagnosis_shares;
  x["latency_ms"] = latencies_json(summary);
  x["intended"] = {{"ttft", distribution_json(summary.ttft_intended)},
                   {"e2el", distribution_json(summary.e2el_intended)}};
  x["adjusted"] = {{"ttft", distribution_json(summary.ttft_adjusted)},
                   {"e2el", distribution_json(summary.e2el_adjusted)}};
  x["steady"] = nullptr;
  if (summary.steady) {
    x["steady"] = {{"begin_s", summary.steady->begin_s},
                   {"end_s", summary.steady->end_s},
                   {"threshold", 0.9},
                   {"output_throughput", summary.steady->output_throughput},
                   {"request_throughput", summary.steady->request_throughput}};
  }
  x["load"] = load_json(input);
  x["client"] = client_json(input);
  x["goodput"] = goodput_json(summary);
  x["tokens"] = tokens_json(input);
  x["server"] = server_json(input.server);
  x["server"]["tokenize_ms"] = distribution_json(summary.tokenising);
  x["server"]["queue_ms"] = distribution_json(summary.queue);
  x["server"]["prefill_ms"] = distribution_json(summary.prefill);
  x["server"]["decode_ms"] = distribution_json(summary.decode);
  x["server"]["preempted_ms"] = distribution_json(summary.preempted);
  x["classes"] = groups_json(summary.classes);
  x["turns"] = groups_json(summary.turns);
  x["errors"] = errors_json(summary);
  x["energy"] = {{"joules", input.joules ? OrderedJson(*input.joules) : OrderedJson(nullptr)},
                 {"why_not", input.joules ? "" : input.no_joules}};
  if (input.joules && summary.output_tokens > 0) {
    x["energy"]["j_per_token"] = *input.joules / static_cast<double>(summary.output_tokens);
  }
  x["env"] = input.environment;
  x["configuration"] = input.configuration;
  json["x"] = std::move(x);
  return json;
}

std::string detail_jsonl(const LoadRun& run, const std::vector<std::string>& classes,
                         const SummaryOptions& judged_by) {
  std::string text;
  for (const RequestRecord& record : run.records) {
    const auto at = [&](int64_t ns) {
      return ns < 0 ? OrderedJson(nullptr)
                    : OrderedJson(static_cast<double>(ns - run.begin_ns) * 1e-6);
    };
    OrderedJson gaps = OrderedJson::array(), tokens = OrderedJson::array();
    for (size_t i = 0; i < record.chunks.size(); ++i) {
      const int64_t before = i == 0 ? record.first_ns : record.chunks[i - 1].at_ns;
      gaps.push_back(static_cast<double>(record.chunks[i].at_ns - before) * 1e-6);
      tokens.push_back(record.chunks[i].tokens);
    }
    OrderedJson line = {{"index", record.index},
                        {"session", record.session},
                        {"turn", record.turn},
                        {"class", classes.at(static_cast<size_t>(record.klass))},
                        {"reply_id", record.reply_id},
                        {"outcome", name_of(record.outcome)},
                        {"good", is_good(record, judged_by)},
                        {"status", record.status},
                        {"error", record.error},
                        {"finish_reason", record.finish_reason},
                        {"intended_ms", at(record.intended_ns)},
                        {"ready_ms", at(record.ready_ns)},
                        {"start_ms", at(record.start_ns)},
                        {"sent_ms", at(record.sent_ns)},
                        {"head_ms", at(record.head_ns)},
                        {"first_ms", at(record.first_ns)},
                        {"last_ms", at(record.last_ns)},
                        {"done_ms", at(record.done_ns)},
                        {"planned_input", record.planned_input},
                        {"max_tokens", record.max_tokens},
                        {"n_in", record.prompt_tokens},
                        {"n_cached", record.cached_tokens},
                        {"n_out", record.output_tokens},
                        {"n_out_source", name_of(record.source)},
                        {"chunk_gaps_ms", gaps},
                        {"chunk_tokens", tokens}};
    if (record.server.known()) {
      line["server"] = {
          {"tokenize_ms", record.server.tokenize_ms},   {"queue_ms", record.server.queue_ms},
          {"prefill_ms", record.server.prefill_ms},     {"decode_ms", record.server.decode_ms},
          {"preempted_ms", record.server.preempted_ms}, {"preemptions", record.server.preemptions}};
    }
    text += line.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  }
  return text;
}

}  // namespace kilotoken::bench
