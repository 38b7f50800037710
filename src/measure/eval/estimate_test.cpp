#include "measure/eval/estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace kilotoken {
namespace {

TEST(Estimate, OfAMeanIsTheUsualOne) {
  const Estimate found = mean_of(std::vector<double>{1, 2, 3, 6});
  EXPECT_DOUBLE_EQ(found.value, 3);
  EXPECT_DOUBLE_EQ(found.standard_error, std::sqrt(14.0 / 3 / 4));  // s^2 = 14 / 3
}

TEST(Estimate, OfARatioWeighsByTheDenominators) {
  const Estimate found = ratio_of(std::vector<double>{1, 5}, std::vector<double>{1, 3});
  EXPECT_DOUBLE_EQ(found.value, 1.5);
  // Residuals -0.5 and 0.5: sqrt(2 / 1 * 0.5) / 4.
  EXPECT_DOUBLE_EQ(found.standard_error, 0.25);
}

TEST(Estimate, OfOneSampleSaysNoError) {
  EXPECT_EQ(mean_of(std::vector<double>{7}).standard_error, 0);
}

TEST(Estimate, TheExponentialScalesItsError) {
  const Estimate found = exponential({std::log(4.0), 0.5});
  EXPECT_DOUBLE_EQ(found.value, 4);
  EXPECT_DOUBLE_EQ(found.standard_error, 2);
}

}  // namespace
}  // namespace kilotoken
