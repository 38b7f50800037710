#include "base/rng.h"

#include <gtest/gtest.h>

#include <set>

namespace kilotoken {
namespace {

using Block = std::array<uint32_t, 4>;

// The known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UniformDependsOnEveryPartOfItsKeyAndCounter) {
  const std::set<double> draws = {
      uniform_at(1, 2, 3, 4), uniform_at(2, 2, 3, 4), uniform_at(1 + (uint64_t{1} << 32), 2, 3, 4),
      uniform_at(1, 3, 3, 4), uniform_at(1, 2, 4, 4), uniform_at(1, 2, 3 + (uint64_t{1} << 32), 4),
      uniform_at(1, 2, 3, 5)};
  EXPECT_EQ(draws.size(), 7u);
  EXPECT_EQ(uniform_at(1, 2, 3, 4), uniform_at(1, 2, 3, 4));
}

TEST(Philox, UniformFillsTheUnitIntervalEvenly) {
  constexpr int kDraws = 100'000, kBins = 10;
  std::array<int, kBins> bins{};
  for (int i = 0; i < kDraws; ++i) {
    const double u = uniform_at(7, 0, static_cast<uint64_t>(i));
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++bins[static_cast<size_t>(u * kBins)];
  }
  // Six standard deviations of a binomial around 10,000.
  for (const int count : bins) EXPECT_NEAR(count, kDraws / kBins, 570);
}

}  // namespace
}  // namespace kilotoken
