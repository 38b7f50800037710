#include "compute/kernels/select.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace kilotoken {
namespace {

TEST(SelectTest, TheReferenceIsFirstAndAlwaysRuns) {
  EXPECT_EQ(kernel_tables()[0].kernels, &reference_kernels());
  EXPECT_TRUE(kernel_tables()[0].runs_here);
}

TEST(SelectTest, EveryTableIsFullAndAnswersToItsName) {
  for (const KernelTable& table : kernel_tables()) {
    const Kernels& kernels = *table.kernels;
    EXPECT_TRUE(kernels.linear && kernels.rms_norm && kernels.rope && kernels.kv_write &&
                kernels.attention && kernels.silu_multiply && kernels.embed)
        << kernels.name;
    EXPECT_EQ(table.runs_here, table.lacks.empty()) << kernels.name;
    const auto chosen = select_kernels(kernels.name);
    ASSERT_EQ(chosen.ok(), table.runs_here);
    if (chosen.ok()) {
      EXPECT_EQ(*chosen, &kernels);
    }
  }
}

TEST(SelectTest, WithoutANameTheBestThatRunsAndIsNotEmulated) {
  const Kernels* best = nullptr;
  for (const KernelTable& table : kernel_tables()) {
    if (table.runs_here && !table.emulated) best = table.kernels;
  }
  EXPECT_EQ(*select_kernels(""), best);
}

TEST(SelectTest, AnUnknownNameListsWhatThereIs) {
  const auto chosen = select_kernels("avx9");
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().code, ErrorCode::kInvalid);
  for (const KernelTable& table : kernel_tables()) {
    EXPECT_NE(chosen.error().message.find(table.kernels->name), std::string::npos);
  }
}

TEST(SelectTest, WhatTheCpuLacksIsNamed) {
  Kernels other = reference_kernels();
  other.name = "other";
  const std::array<KernelTable, 2> tables{{
      {&reference_kernels(), true, "any CPU", {}},
      {&other, false, "FOO and BAR", "BAR"},
  }};
  const auto chosen = select_kernels(tables, "other");
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(chosen.error().message,
            "KILOTOKEN_ISA: the kernel table \"other\" needs FOO and BAR, and this machine lacks "
            "BAR; choose one of: reference, other (not on this CPU)");
  EXPECT_EQ(*select_kernels(tables, ""), &reference_kernels());
}

}  // namespace
}  // namespace kilotoken
