#include "engine/step_time/step_time_fit.h"

#include <algorithm>
#include <cmath>

namespace kilotoken {
namespace {

constexpr double kForget = 1 - 1.0 / 1000;  // of the weight of all steps before, with each one
constexpr double kPull = 1e-5;              // of the ridge, beside the strongest evidence so far
constexpr int kSweeps = 100;
constexpr double kHuber = 1.345;         // 95 % efficient if errors are normal after all
constexpr double kLeastScale = 0.01;     // a law that is right to 1 % needs no finer scale
constexpr double kGuessFactor = 2;       // a step further off its prediction says how long it is
constexpr double kNormalScale = 1.4826;  // of the median of |errors|, if they are normal

// The value below which `share` of the values lie; they change places.
double quantile(std::vector<double>& values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<size_t>(at)];
}

}  // namespace

double StepTimeFit::weight_of(double relative_error) const {
  const double limit = kHuber * scale_;
  return scale_ == 0 || relative_error <= limit ? 1 : limit / relative_error;
}

void StepTimeFit::observe(const StepWork& work, int64_t step_ns) {
  if (step_ns <= 0) return;
  const auto measured = static_cast<double>(step_ns);
  const double predicted = law_.predict_ns(work);
  const double off = std::abs(predicted - measured);
  const double error = off / measured;
  if (ready()) {
    error_sum_ += error;
    if (recent_.size() < kRecent) {
      recent_.push_back(error);
    } else {
      recent_[static_cast<size_t>(predicted_) % kRecent] = error;
    }
    ++predicted_;
  }
  // What an error is relative to. Relative to the measured time, a step that happened to be slow
  // would count less than one that was quick by as much, and noise would make the law too low. The
  // prediction is no better than a guess when it is far off: then no more than a factor of it.
  const double typical = std::clamp(predicted, measured / kGuessFactor, measured * kGuessFactor);
  const double weight = weight_of(off / typical);
  StepFeatures x = features_of(work);
  for (double& feature : x) feature /= typical;
  for (size_t i = 0; i < kStepCosts; ++i) {
    for (size_t j = 0; j < kStepCosts; ++j) {
      normal_[i][j] = kForget * normal_[i][j] + weight * x[i] * x[j];
    }
    moment_[i] = kForget * moment_[i] + weight * x[i] * measured / typical;
    strength_[i] = std::max(strength_[i], normal_[i][i]);
  }
  ++steps_;
  if (!ready() || steps_ % kSolveEvery == 0) solve();
}

void StepTimeFit::solve() {
  if (!recent_.empty()) {
    std::vector<double> errors = recent_;
    scale_ = std::max(kLeastScale, kNormalScale * quantile(errors, 0.5));
  }
  const StepFeatures before = law_.cost_ns;
  StepFeatures& cost = law_.cost_ns;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (size_t i = 0; i < kStepCosts; ++i) {
      if (strength_[i] == 0) continue;  // never seen
      const double pull = kPull * strength_[i];
      double rest = moment_[i] + pull * before[i];
      for (size_t j = 0; j < kStepCosts; ++j) {
        if (j != i) rest -= normal_[i][j] * cost[j];
      }
      cost[i] = std::max(0.0, rest / (normal_[i][i] + pull));
    }
  }
}

StepTimeFit::Error StepTimeFit::error() const {
  if (predicted_ == 0) return {};
  std::vector<double> errors = recent_;
  return {predicted_, error_sum_ / static_cast<double>(predicted_), quantile(errors, 0.5),
          quantile(errors, 0.95)};
}

}  // namespace kilotoken
