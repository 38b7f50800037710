#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"

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

TEST(Log, JsonLinesHoldWhateverIsSaid) {
  testing::internal::CaptureStderr();
  {
    const Log log(Log::Level::kWarn, Log::Form::kJson);
    log.info("not shown");
    log.warn("a \"quoted\"\nline with a bad byte \xff");
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  const Json line = Json::parse(text);
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["message"], "a \"quoted\"\nline with a bad byte \uFFFD");
  EXPECT_TRUE(line["time"].is_string());
}

}  // namespace
}  // namespace kilotoken
