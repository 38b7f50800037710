// Runs the tests, then says which rules of rules.txt they showed: a line for each rule with the
// number of cases, so that a rule without one is seen.

#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <ostream>
#include <string>

namespace kilotoken::test {
namespace {

// The number behind `prefix`; 0 when there is none.
int number_after(const std::string& text, std::string_view prefix) {
  int number = 0;
  if (text.starts_with(prefix)) {
    std::from_chars(text.data() + prefix.size(), text.data() + text.size(), number);
  }
  return number;
}

class RuleCounter final : public testing::EmptyTestEventListener {
 private:
  void OnTestEnd(const testing::TestInfo& info) override {
    if (!info.result()->Passed()) return;
    int rule = number_after(info.test_suite_name(), "Rule");
    // A case of cases/*.txt is printed "file: name".
    const std::string value = info.value_param() ? info.value_param() : "";
    const size_t name = value.find(": ");
    if (rule == 0 && name != value.npos) rule = number_after(value.substr(name + 2), "rule ");
    if (rule > 0) ++cases_[rule];
  }

  void OnTestProgramEnd(const testing::UnitTest&) override {
    std::ifstream rules(KILOTOKEN_API_RULES);
    for (std::string line; std::getline(rules, line);) {
      const int rule = number_after(line, "");
      if (rule == 0) continue;
      const int cases = cases_[rule];
      std::printf("rule %2d: %2d case%s  %s\n", rule, cases, cases == 1 ? " " : "s",
                  line.substr(line.find(' ') + 1).c_str());
    }
  }

  std::map<int, int> cases_;
};

}  // namespace
}  // namespace kilotoken::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new kilotoken::test::RuleCounter);
  return RUN_ALL_TESTS();
}
