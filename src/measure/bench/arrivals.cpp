#include "measure/bench/arrivals.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/rng.h"

namespace kilotoken::bench {
namespace {

constexpr uint32_t kStream = 0xA221;

// Seconds after `now` at which `amount` requests have come, under rates that alternate.
double advance(double now, double amount, const ArrivalOptions& options) {
  for (;;) {
    const double phase = std::fmod(now, options.burst_every_s);
    const bool burst = phase < options.burst_for_s;
    const double rate = burst ? options.burst_rate : options.rate;
    const double left = (burst ? options.burst_for_s : options.burst_every_s) - phase;
    if (rate * left >= amount) return now + amount / rate;
    amount -= rate * left;
    now += std::max(left, 1e-9);
  }
}

double rate_at(double share, const ArrivalOptions& options) {
  if (options.ramp == "linear") {
    return options.ramp_start + (options.ramp_end - options.ramp_start) * share;
  }
  return options.ramp_start * std::pow(options.ramp_end / options.ramp_start, share);
}

}  // namespace

double gamma_at(uint64_t seed, uint64_t index, double shape) {
  if (std::isinf(shape)) return 1;
  uint32_t draw = 0;
  const auto uniform = [&] { return 1 - uniform_at(seed, kStream, index, draw++); };  // (0, 1]
  if (shape == 1) return -std::log(uniform());
  const double boosted = shape < 1 ? shape + 1 : shape;
  const double d = boosted - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    const double x = radius * std::cos(2 * std::numbers::pi * uniform());
    const double v = std::pow(1 + c * x, 3);
    const double u = uniform();
    if (v <= 0 || std::log(u) >= 0.5 * x * x + d - d * v + d * std::log(v)) continue;
    const double boost = shape < 1 ? std::pow(uniform(), 1 / shape) : 1;
    return d * v * boost / shape;
  }
}

Result<void> check(const ArrivalOptions& options) {
  const bool bursts = options.burst_every_s > 0;
  if (!(options.rate > 0)) return invalid("--request-rate must be above 0, or inf");
  if (!(options.burstiness > 0)) return invalid("--burstiness must be above 0, or inf");
  if (!options.ramp.empty()) {
    if (options.ramp != "linear" && options.ramp != "exponential") {
      return invalid("--ramp-up-strategy is linear or exponential, not " + options.ramp);
    }
    if (!(options.ramp_start > 0) || !(options.ramp_end > 0)) {
      return invalid("--ramp-up-start-rps and --ramp-up-end-rps must be above 0 for a ramp");
    }
    if (bursts) return invalid("--ramp-up-strategy and --burst-every do not go together");
    if (!std::isinf(options.rate)) {
      return invalid("a rate and --ramp-up-strategy do not go together: a ramp has its own rates");
    }
  }
  if (!bursts) return {};
  if (std::isinf(options.rate)) return invalid("--burst-every needs a finite --request-rate");
  if (!(options.burst_rate > 0)) return invalid("--burst-rate must be above 0");
  if (!(options.burst_for_s > 0) || options.burst_for_s >= options.burst_every_s) {
    return invalid("--burst-for must be above 0 and below --burst-every");
  }
  return {};
}

std::vector<int64_t> arrivals(size_t count, const ArrivalOptions& options) {
  std::vector<double> times(count, 0.0);
  const bool bursts = options.burst_every_s > 0, ramp = !options.ramp.empty();
  double now = 0;
  for (size_t i = 0; i < count; ++i) {
    const double gap = gamma_at(options.seed, i, options.burstiness);
    if (ramp) {
      now += gap / rate_at(static_cast<double>(i) / static_cast<double>(count), options);
    } else if (bursts) {
      now = advance(now, gap, options);
    } else if (!std::isinf(options.rate)) {
      now += gap / options.rate;
    }
    times[i] = now;
  }
  if (options.rescale && !ramp && !bursts && now > 0) {
    const double wanted = static_cast<double>(count) / options.rate;
    for (double& time : times) time *= wanted / now;
  }
  std::vector<int64_t> ns(count);
  std::transform(times.begin(), times.end(), ns.begin(),
                 [](double time) { return static_cast<int64_t>(time * 1e9); });
  return ns;
}

}  // namespace kilotoken::bench
