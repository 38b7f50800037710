// Each rule is fed something bad and must say so: a rule that can't fire protects nothing.

#include "rules.h"

#include <gtest/gtest.h>

#include "cpp_text.h"

namespace kilotoken::house {
namespace {

constexpr std::string_view kLayers =
    "# comment\n"
    "base    :\n"
    "net     : base\n"
    "model/a : base\n"
    "cli     : base net\n";

Layers layers() {
  std::vector<Finding> findings;
  Layers parsed = parse_layers(kLayers, findings);
  EXPECT_TRUE(findings.empty());
  return parsed;
}

std::vector<Finding> include_findings(std::string_view path, std::string_view text) {
  std::vector<Finding> findings;
  check_includes(layers(), path, text, findings);
  return findings;
}

std::vector<Finding> size_findings(std::string_view path, std::string_view text) {
  std::vector<Finding> findings;
  check_sizes(path, text, Limits{}, findings);
  return findings;
}

std::string repeat(std::string_view line, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

TEST(LayersRule, AnUpwardOrSidewardIncludeIsFound) {
  EXPECT_TRUE(
      include_findings("net/http.cpp", "#include \"base/log.h\"\n#include <map>\n").empty());
  EXPECT_TRUE(include_findings("net/http.cpp", "#include \"net/http.h\"\n").empty());
  const auto upward = include_findings("base/log.cpp", "\n#include \"net/http.h\"\n");
  ASSERT_EQ(upward.size(), 1u);
  EXPECT_EQ(upward[0].where, "src/base/log.cpp:2");
  EXPECT_EQ(include_findings("cli/main.cpp", "#include \"model/a/x.h\"\n").size(), 1u);
}

TEST(LayersRule, AFileOrIncludeOutsideEveryRoomIsFound) {
  EXPECT_EQ(include_findings("attic/x.cpp", "").size(), 1u);
  EXPECT_EQ(include_findings("net/http.cpp", "#include \"http.h\"\n").size(), 1u);
  EXPECT_EQ(include_findings("net/http.cpp", "#include \"../base/log.h\"\n").size(), 1u);
}

TEST(LayersRule, TheRoomsAUsedAreReported) {
  std::vector<Finding> findings;
  const auto used = check_includes(layers(), "cli/main.cpp",
                                   "#include \"net/a.h\"\n#include \"cli/b.h\"\n", findings);
  EXPECT_EQ(used, std::set<std::string>{"net"});
}

TEST(LayersRule, ARoomNamedBelowOrTwiceIsFound) {
  std::vector<Finding> findings;
  parse_layers("net : base\nbase :\nbase :\nnot a row\n", findings);
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].where, "src/LAYERS:1");
  EXPECT_EQ(findings[1].where, "src/LAYERS:3");
  EXPECT_EQ(findings[2].where, "src/LAYERS:4");
}

TEST(SizeRule, LongFilesHeadersAndLinesAreFound) {
  EXPECT_TRUE(size_findings("src/a.cpp", repeat("x;\n", 500)).empty());
  EXPECT_EQ(size_findings("src/a.cpp", repeat("x;\n", 501)).at(0).rule, "file");
  EXPECT_TRUE(size_findings("src/a.h", repeat("x;\n", 120)).empty());
  EXPECT_EQ(size_findings("src/a.h", repeat("x;\n", 121)).at(0).rule, "header");
  EXPECT_TRUE(size_findings("src/a.cpp", "//" + std::string(98, 'x')).empty());
  const auto wide = size_findings("src/a.cpp", "\n//" + std::string(99, 'x'));
  EXPECT_EQ(wide.at(0).rule, "columns");
  EXPECT_EQ(wide.at(0).where, "src/a.cpp:2");
  EXPECT_TRUE(size_findings("src/a.cpp", "//" + repeat("\u00e9", 98)).empty());
}

TEST(SizeRule, LongFunctionsAreFoundByName) {
  const auto body = [](int lines) { return repeat("  x();\n", lines - 2) + "}\n"; };
  EXPECT_TRUE(size_findings("a.cpp", "void f() {\n" + body(70)).empty());
  const auto plain = size_findings("a.cpp", "namespace a {\nvoid B::f() {\n" + body(71) + "}\n");
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].what, "B::f");
  const auto test = size_findings("a.cpp", "TEST(Room, Holds) {\n" + body(71));
  EXPECT_EQ(test.at(0).what, "Room.Holds");
  const auto inside = size_findings("a.cpp", "class A {\n  int g() const {\n" + body(71) + "};\n");
  EXPECT_EQ(inside.at(0).what, "g");
  const auto initialised = size_findings("a.cpp", "A::A() : x_{1}, y_{2} {\n" + body(71));
  EXPECT_EQ(initialised.at(0).what, "A::A");
}

TEST(SizeRule, ALambdaCountsForTheFunctionAroundIt) {
  const std::string text =
      "void f() {\n  g([&](int x) {\n" + repeat("    x();\n", 67) + "  });\n}\n";
  EXPECT_EQ(size_findings("a.cpp", text).at(0).what, "f");
}

TEST(CppText, BracesInCommentsLiteralsAndMacrosDoNotCount) {
  const std::string text =
      "#define OPEN(x) if (x) { \\\n  {\n"
      "// { and /* {\n"
      "const char* a = \"{\\\"{\";  // {\n"
      "const char* b = R\"x({ )\" {)x\";\n"
      "char c = '{', d = '\\'';\n"
      "int e = 1'000'000;\n"
      "void f(int x,\n       int y) {\n  g();\n}\n";
  const auto found = functions(text);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "f");
  EXPECT_EQ(found[0].first_line, 8);
  EXPECT_EQ(found[0].last_line, 11);
}

TEST(NameRule, EmptyWordsAreFound) {
  for (const char* path : {"src/utils/a.cpp", "src/net/common/x.h", "src/engine/manager.h",
                           "tests/misc/a_test.cpp", "src/model/core.cpp"}) {
    std::vector<Finding> findings;
    check_name(path, findings);
    EXPECT_EQ(findings.size(), 1u) << path;
  }
  std::vector<Finding> findings;
  check_name("src/engine/scheduler/scheduler.cpp", findings);
  EXPECT_TRUE(findings.empty());
}

TEST(PathRule, PathsBetweenBackticksAreTaken) {
  const auto paths = named_paths(
      "| feature | `src/net/sse.cpp` and `docs/a.md` |\nroute `/v1/models`, `build/release`, "
      "`src/model/families/<name>.cpp`, `LICENSE.txt`, src/not/quoted.h, `kilotoken serve`\n");
  EXPECT_EQ(paths, (std::vector<std::string>{"src/net/sse.cpp", "docs/a.md", "LICENSE.txt"}));
}

TEST(Exceptions, TakeOutWhatTheyNameAndNothingElse) {
  std::vector<Finding> findings = {{"file", "src/a.cpp", ""},
                                   {"function", "src/a.cpp", "f"},
                                   {"function", "src/a.cpp", "g"},
                                   {"columns", "src/a.cpp:3", ""}};
  apply_exceptions("# comment\nfunction src/a.cpp f: one table\ncolumns src/a.cpp: a long URL\n",
                   findings);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].rule, "file");
  EXPECT_EQ(findings[1].what, "g");
}

TEST(Exceptions, WithoutUseOrReasonAreFound) {
  std::vector<Finding> findings = {{"file", "src/a.cpp", ""}};
  apply_exceptions("file src/b.cpp: was long once\nfile src/a.cpp:\nfile src/a.cpp\n", findings);
  ASSERT_EQ(findings.size(), 4u);
  EXPECT_EQ(findings[1].where, "tests/house/exceptions.txt:1");
  EXPECT_EQ(findings[2].where, "tests/house/exceptions.txt:2");
  EXPECT_EQ(findings[3].where, "tests/house/exceptions.txt:3");
}

}  // namespace
}  // namespace kilotoken::house
