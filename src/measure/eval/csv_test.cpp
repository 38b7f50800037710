#include "measure/eval/csv.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows rows(std::string_view text) { return parse_csv(text, "x.csv").value(); }
std::string error(std::string_view text) {
  const auto result = parse_csv(text, "x.csv");
  return result.ok() ? "" : result.error().message;
}

TEST(Csv, PlainAndQuotedFields) {
  EXPECT_EQ(rows("a,b\nc,\n"), (Rows{{"a", "b"}, {"c", ""}}));
  EXPECT_EQ(rows("\"a,b\",\"say \"\"c\"\"\"\r\nd,\"\"\r\n"),
            (Rows{{"a,b", "say \"c\""}, {"d", ""}}));
  EXPECT_EQ(rows("\"two\nlines\",x"), (Rows{{"two\nlines", "x"}}));
}

TEST(Csv, EmptyLinesAndTheLastLineEndAreNoRows) {
  EXPECT_EQ(rows(""), Rows{});
  EXPECT_EQ(rows("\n\na,b\n\n"), (Rows{{"a", "b"}}));
  EXPECT_EQ(rows("a,"), (Rows{{"a", ""}}));
  EXPECT_EQ(rows("a\r"), (Rows{{"a"}}));
}

TEST(Csv, ErrorsGiveTheLine) {
  EXPECT_NE(error("a,b\nc,\"d\n").find("x.csv:2: a quoted field has no end"), std::string::npos);
  EXPECT_NE(error("a\n\"b\"c\n").find("x.csv:2: a quoted field goes on"), std::string::npos);
  EXPECT_NE(error("a\"b\n").find("x.csv:1: a quote inside"), std::string::npos);
}

}  // namespace
}  // namespace kilotoken
