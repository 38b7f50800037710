#include "base/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"

namespace kilotoken {

void Counter::add(double amount) {
  KT_CHECK_GE(amount, 0.0);
  value_.fetch_add(amount, std::memory_order_relaxed);
}

Histogram::Histogram(std::vector<double> upper_bounds)
    : upper_bounds_(std::move(upper_bounds)),
      buckets_(std::make_unique<std::atomic<uint64_t>[]>(upper_bounds_.size() + 1)) {
  const auto falling =
      std::adjacent_find(upper_bounds_.begin(), upper_bounds_.end(), std::greater_equal<>());
  KT_CHECK(falling == upper_bounds_.end(), "bucket bounds must rise");
}

void Histogram::observe(double value) {
  const auto at = std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), value);
  buckets_[static_cast<size_t>(at - upper_bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

uint64_t Histogram::bucket(size_t index) const {
  KT_CHECK_LE(index, upper_bounds_.size());
  return buckets_[index].load(std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t total = 0;
  for (size_t i = 0; i <= upper_bounds_.size(); ++i) total += bucket(i);
  return total;
}

namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    const auto end = std::to_chars(text, text + sizeof text, static_cast<int64_t>(value)).ptr;
    return {text, end};
  }
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// Bucket bounds are label values, compared as text by dashboards: always with a point, as the
// clients in other languages write them.
std::string bound_text(double value) {
  std::string text = number(value);
  if (text.find_first_of(".eIN") == std::string::npos) text += ".0";
  return text;
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

// {a="1",le="2.0"}, or nothing.
std::string label_text(const Labels& labels, const std::optional<std::string>& le = std::nullopt) {
  std::string out;
  const auto append = [&out](std::string_view name, std::string_view value) {
    out += out.empty() ? "{" : ",";
    out += std::string(name) + "=\"" + escaped(value, true) + "\"";
  };
  for (const auto& [name, value] : labels) append(name, value);
  if (le) append("le", *le);
  return out.empty() ? out : out + "}";
}

bool valid_name(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == ':';
         });
}

struct Series {
  Labels labels;
  std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<Histogram>> value;
};

struct Family {
  std::string name, help, type;
  std::vector<std::string> aliases;
  std::vector<Series> series;
};

void expose_histogram(const std::string& name, const Series& series, const Histogram& histogram,
                      std::string& out) {
  uint64_t below = 0;
  const std::vector<double>& bounds = histogram.upper_bounds();
  for (size_t i = 0; i <= bounds.size(); ++i) {
    below += histogram.bucket(i);
    const std::string le = i < bounds.size() ? bound_text(bounds[i]) : "+Inf";
    out += name + "_bucket" + label_text(series.labels, le) + " " + std::to_string(below) + "\n";
  }
  const std::string labels = label_text(series.labels);
  out += name + "_count" + labels + " " + std::to_string(below) + "\n";
  out += name + "_sum" + labels + " " + number(histogram.sum()) + "\n";
}

void expose_family(const Family& family, const std::string& name, std::string& out) {
  out += "# HELP " + name + " " + escaped(family.help, false) + "\n";
  out += "# TYPE " + name + " " + family.type + "\n";
  for (const Series& series : family.series) {
    const std::string prefix = name + label_text(series.labels) + " ";
    if (const auto* counter = std::get_if<std::unique_ptr<Counter>>(&series.value)) {
      out += prefix + number((*counter)->value()) + "\n";
    } else if (const auto* gauge = std::get_if<std::unique_ptr<Gauge>>(&series.value)) {
      out += prefix + number((*gauge)->value()) + "\n";
    } else {
      expose_histogram(name, series, *std::get<std::unique_ptr<Histogram>>(series.value), out);
    }
  }
}

}  // namespace

struct MetricsRegistry::Families {
  mutable std::mutex mutex;
  std::vector<std::unique_ptr<Family>> list;  // in the order of their first use

  template <typename Metric, typename Make>
  Metric& find(std::string_view name, std::string_view help, std::string_view type,
               const Labels& labels, Make make) {
    const std::lock_guard lock(mutex);
    auto at = std::find_if(list.begin(), list.end(), [&](auto& f) { return f->name == name; });
    if (at == list.end()) {
      KT_CHECK(valid_name(name), "metric name " + std::string(name));
      list.push_back(std::make_unique<Family>(
          Family{std::string(name), std::string(help), std::string(type), {}, {}}));
      at = std::prev(list.end());
    }
    Family& family = **at;
    KT_CHECK_EQ(family.type, type);
    KT_CHECK_EQ(family.help, help);
    for (Series& series : family.series) {
      if (series.labels == labels) return *std::get<std::unique_ptr<Metric>>(series.value);
    }
    family.series.push_back({labels, make()});
    return *std::get<std::unique_ptr<Metric>>(family.series.back().value);
  }
};

MetricsRegistry::MetricsRegistry() : families_(std::make_unique<Families>()) {}
MetricsRegistry::~MetricsRegistry() = default;

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help,
                                  const Labels& labels) {
  return families_->find<Counter>(name, help, "counter", labels,
                                  [] { return std::make_unique<Counter>(); });
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return families_->find<Gauge>(name, help, "gauge", labels,
                                [] { return std::make_unique<Gauge>(); });
}

Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help,
                                      std::vector<double> bounds, const Labels& labels) {
  return families_->find<Histogram>(name, help, "histogram", labels,
                                    [&] { return std::make_unique<Histogram>(std::move(bounds)); });
}

void MetricsRegistry::alias(std::string_view older, std::string_view name) {
  KT_CHECK(valid_name(older), "metric name " + std::string(older));
  const std::lock_guard lock(families_->mutex);
  const auto at = std::find_if(families_->list.begin(), families_->list.end(),
                               [&](const auto& family) { return family->name == name; });
  KT_CHECK(at != families_->list.end(), "an alias of a metric that is not there");
  (*at)->aliases.emplace_back(older);
}

std::string MetricsRegistry::expose() const {
  const std::lock_guard lock(families_->mutex);
  std::string out;
  for (const auto& family : families_->list) {
    expose_family(*family, family->name, out);
    for (const std::string& older : family->aliases) expose_family(*family, older, out);
  }
  return out;
}

}  // namespace kilotoken
