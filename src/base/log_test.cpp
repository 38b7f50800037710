#include "base/log.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

TEST(Log, WritesLinesAtAndAboveItsLevelToStandardError) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  {
    const Log log(Log::Level::kInfo);
    log.debug("not shown");
    log.info("loaded {} of 100 %s");
    log.error("broken");
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(text.find("not shown"), std::string::npos);
  EXPECT_NE(text.find("info loaded {} of 100 %s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("error broken\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace kilotoken
