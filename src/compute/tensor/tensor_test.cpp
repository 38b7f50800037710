#include "compute/tensor/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "compute/tensor/arena.h"

namespace kilotoken {
namespace {

// A 16-bit float's value from its definition, without the code under test.
double half_value(uint32_t bits) {
  const int exponent = static_cast<int>((bits >> 10) & 0x1f);
  const double fraction = static_cast<double>(bits & 0x3ff) / 1024;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  return exponent == 0 ? sign * std::ldexp(fraction, -14)
                       : sign * std::ldexp(1 + fraction, exponent - 15);
}

TEST(HalfTest, EveryValueConvertsExactlyAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = to_float(Half{static_cast<uint16_t>(bits)});
    const bool special = ((bits >> 10) & 0x1f) == 0x1f;
    if (special && (bits & 0x3ff) != 0) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_TRUE(std::isnan(to_float(to_half(value)))) << bits;
      continue;
    }
    if (special) {
      EXPECT_TRUE(std::isinf(value)) << bits;
    } else {
      EXPECT_EQ(static_cast<double>(value), half_value(bits)) << bits;
    }
    EXPECT_EQ(to_half(value).bits, bits);
  }
}

// Between two neighbours the middle goes to the even one, and what is off the middle to the nearer.
TEST(HalfTest, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const float middle = static_cast<float>((half_value(bits) + half_value(bits + 1)) / 2);
    const uint32_t even = (bits & 1) == 0 ? bits : bits + 1;
    EXPECT_EQ(to_half(middle).bits, even) << bits;
    EXPECT_EQ(to_half(std::nextafter(middle, 0.0f)).bits, bits);
    EXPECT_EQ(to_half(std::nextafter(middle, 1e9f)).bits, bits + 1);
    EXPECT_EQ(to_half(-middle).bits, even | 0x8000u);
  }
}

TEST(HalfTest, LargeAndTiny) {
  EXPECT_EQ(to_half(65504.0f).bits, 0x7bff);
  EXPECT_EQ(to_half(65519.0f).bits, 0x7bff);
  EXPECT_EQ(to_half(65520.0f).bits, 0x7c00);
  EXPECT_EQ(to_half(-1e30f).bits, 0xfc00);
  EXPECT_EQ(to_half(std::numeric_limits<float>::infinity()).bits, 0x7c00);
  EXPECT_EQ(to_half(0x1p-25f).bits, 0);  // half of the smallest, to even
  EXPECT_EQ(to_half(0x1.8p-25f).bits, 1);
  EXPECT_EQ(to_half(-0.0f).bits, 0x8000);
  EXPECT_EQ(to_half(std::numeric_limits<float>::denorm_min()).bits, 0);
}

TEST(BFloat16Test, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = to_float(BFloat16{static_cast<uint16_t>(bits)});
    EXPECT_EQ(std::bit_cast<uint32_t>(value), bits << 16);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(to_float(to_bfloat16(value)))) << bits;
      continue;
    }
    EXPECT_EQ(to_bfloat16(value).bits, bits);
    if (std::isinf(value)) continue;
    const uint32_t even = (bits & 1) == 0 ? bits : bits + 1;
    EXPECT_EQ(to_bfloat16(std::bit_cast<float>((bits << 16) + 0x8000u)).bits, even);
    EXPECT_EQ(to_bfloat16(std::bit_cast<float>((bits << 16) + 0x7fffu)).bits, bits);
    EXPECT_EQ(to_bfloat16(std::bit_cast<float>((bits << 16) + 0x8001u)).bits, bits + 1);
  }
}

TEST(BFloat16Test, ANaNWhosePayloadIsLowStaysNaN) {
  const float nan = std::bit_cast<float>(0x7f800001u);
  EXPECT_TRUE(std::isnan(to_float(to_bfloat16(nan))));
  EXPECT_TRUE(std::isnan(to_float(to_half(nan))));
}

TEST(DTypeTest, NamesRoundTrip) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    EXPECT_EQ(dtype_named(name_of(dtype)), dtype);
  }
  EXPECT_EQ(dtype_named("float64"), std::nullopt);
}

TEST(TensorTest, ViewsUnalignedBytes) {
  alignas(8) std::byte bytes[1 + 6 * 2] = {};
  const BFloat16 value = to_bfloat16(-2.5f);
  std::memcpy(bytes + 1 + 5 * 2, &value, sizeof value);
  const Tensor tensor(bytes + 1, DType::kBF16, {2, 3});
  EXPECT_EQ(tensor.elements(), 6);
  EXPECT_EQ(tensor.bytes(), 12u);
  EXPECT_EQ(tensor.at(5), -2.5f);
  EXPECT_EQ(shape_text(tensor), "[2, 3] bfloat16");
  EXPECT_TRUE(Tensor().empty());
  EXPECT_DEATH(tensor.at(6), "against");
}

TEST(ArenaTest, ReservesMoreThanItTouches) {
  auto arena = Arena::reserve(size_t{1} << 36);
  ASSERT_TRUE(arena.ok()) << arena.error().message;
  const auto bytes = arena->bytes();
  EXPECT_EQ(bytes.back(), std::byte{0});
  Arena moved = std::move(*arena);
  EXPECT_EQ(moved.bytes().data(), bytes.data());
  EXPECT_EQ(Arena::reserve(size_t{1} << 60).error().code, ErrorCode::kFull);
}

TEST(WorkspaceTest, GivesAlignedPiecesAndTakesThemBack) {
  Workspace workspace(4096);
  const auto first = workspace.take<float>(3);
  const auto second = workspace.take<char>(65);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(second.data()) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<char*>(first.data()) + 64, second.data());
  EXPECT_EQ(workspace.peak_bytes(), 192u);
  workspace.reset();
  EXPECT_EQ(workspace.take<float>(1024).data(), first.data());
  EXPECT_EQ(workspace.peak_bytes(), 4096u);
  EXPECT_DEATH(workspace.take<float>(1), "4 bytes asked, 0 left of 4096");
}

}  // namespace
}  // namespace kilotoken
