#include "model/text/unicode/utf8.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

TEST(Utf8, WhatIsValid) {
  for (const std::string_view text : {"", "a", "\u00e9", "\u4f60\u597d", "\U0001F600", "\uFFFD",
                                      "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80"}) {
    EXPECT_EQ(first_invalid_utf8(text), std::nullopt) << text;
  }
  const std::pair<std::string_view, size_t> bad[] = {{"\x80", 0},
                                                     {"a\xC3", 1},
                                                     {"\xC0\x80", 0},
                                                     {"\xC1\xBF", 0},
                                                     {"\xE0\x9F\xBF", 0},
                                                     {"\xED\xA0\x80", 0},
                                                     {"\xF0\x8F\xBF\xBF", 0},
                                                     {"\xF4\x90\x80\x80", 0},
                                                     {"\xF5\x80\x80\x80", 0},
                                                     {"ab\xE4\xBD", 2},
                                                     {"\xFF", 0}};
  for (const auto& [text, at] : bad) EXPECT_EQ(first_invalid_utf8(text), at);
}

TEST(Utf8, UnfinishedIsKeptInvalidIsReplaced) {
  std::string out;
  EXPECT_EQ(append_utf8(out, "a\xE4\xBD", false), 1u);
  EXPECT_EQ(out, "a");
  EXPECT_EQ(append_utf8(out, "\xE4\xBD\xA0", false), 3u);
  EXPECT_EQ(out, "a\u4f60");
  out.clear();
  EXPECT_EQ(append_utf8(out, "\xE4\xBDz\xFF", false), 4u);
  EXPECT_EQ(out, "\uFFFD\uFFFDz\uFFFD");
  out.clear();
  EXPECT_EQ(append_utf8(out, "\xE4\xBD", true), 2u);
  EXPECT_EQ(out, "\uFFFD\uFFFD");
}

TEST(Utf8, SpaceAtTheEnds) {
  EXPECT_EQ(leading_space_bytes(" \t\u3000x "), 5u);
  EXPECT_EQ(trailing_space_bytes("x \n\u00A0"), 4u);
  EXPECT_EQ(leading_space_bytes("\u200Bx"), 0u);  // zero width space is no White_Space
  EXPECT_EQ(trailing_space_bytes("  "), 2u);
  EXPECT_EQ(leading_space_bytes(""), 0u);
}

}  // namespace
}  // namespace kilotoken
