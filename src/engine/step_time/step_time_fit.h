#pragma once
// StepTimeFit: learns a StepTimeLaw from steps as they are measured.
//
// Least squares of the error relative to what such a step typically takes, with costs that are
// never negative, over the steps seen, each forgotten slowly (exponential window). What is kept is
// the normal matrix; it is solved by coordinate descent (Franc, Hlavac, Navara, "Sequential
// Coordinate-Wise Algorithm for the Non-negative Least Squares Problem", CAIP 2005), from the last
// solution and pulled to it slightly (a ridge), so that what recent steps say nothing of stays as
// it was. A step far off its prediction counts less (Huber, "Robust Estimation of a Location
// Parameter", 1964), its scale taken from the median of recent errors. The same steps in the same
// order give the same law.

#include <cstdint>
#include <vector>

#include "engine/step_time/step_time_law.h"

namespace kilotoken {

class StepTimeFit {
 public:
  void observe(const StepWork& work, int64_t step_ns);  // a time of 0 or less is no observation

  const StepTimeLaw& law() const { return law_; }
  // Until then the law is a guess, and no error is counted.
  bool ready() const { return steps_ >= kFirstSteps; }

  // |predicted - measured| / measured, of predictions made before the step was seen.
  struct Error {
    int64_t steps = 0;  // predicted so far
    double mean = 0;    // of all of them
    double median = 0;  // of the last kRecent
    double p95 = 0;
  };
  Error error() const;

 private:
  static constexpr int kFirstSteps = 32;
  static constexpr int kSolveEvery = 16;  // steps, once it is ready
  static constexpr size_t kRecent = 512;

  double weight_of(double relative_error) const;
  void solve();

  StepTimeLaw law_;
  int64_t steps_ = 0;
  std::array<StepFeatures, kStepCosts> normal_{};  // sum of w x x', features over the typical time
  StepFeatures moment_{};       // sum of w x t, t the measured time over the typical
  StepFeatures strength_{};     // the largest that normal_'s diagonal has been
  std::vector<double> recent_;  // errors, a ring
  double error_sum_ = 0;
  int64_t predicted_ = 0;
  double scale_ = 0;  // of the errors that are usual; 0: not known yet
};

}  // namespace kilotoken
