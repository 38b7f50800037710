// Runs the cases of cases/*.txt; their form is described in cases/README.md.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ostream>

#include "api/served.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

struct Case {
  std::string file, name;
  std::string method, path, body, headers;
  int status = 0;
  std::vector<std::string> expected;
};

std::ostream& operator<<(std::ostream& out, const Case& item) {
  return out << item.file << ": " << item.name;
}

std::string unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\x") == 0) {
      out += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
      i += 3;
    } else if (text.compare(i, 2, "\\n") == 0) {
      out += '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

void read_line(const std::string& line, Case& item) {
  const auto rest = [&line](std::string_view prefix) { return line.substr(prefix.size()); };
  if (line.starts_with("-> ")) {
    item.status = std::stoi(rest("-> "));
  } else if (item.status != 0) {
    item.expected.push_back(line);
  } else if (item.method.empty()) {
    item.method = line.substr(0, line.find(' '));
    item.path = line.substr(line.find(' ') + 1);
  } else if (line.starts_with("header ")) {
    item.headers += unescape(rest("header ")) + "\r\n";
  } else {
    item.body = line.starts_with("raw ") ? unescape(rest("raw ")) : line;
  }
}

std::vector<Case> read_cases() {
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(KILOTOKEN_API_CASES)) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("## ")) {
        cases.push_back({});
        cases.back().file = entry.path().stem();
        cases.back().name = line.substr(3);
      } else if (!line.empty()) {
        read_line(line, cases.back());
      }
    }
  }
  return cases;
}

// "header NAME = VALUE", "header NAME ~ TEXT", "header NAME absent".
void check_header(const std::string& line, const Answer& answer) {
  const size_t end = line.find(' ', 7);
  const std::string value = answer.header(line.substr(7, end - 7));
  const std::string how = line.substr(end + 1);
  if (how == "absent") {
    EXPECT_EQ(value, "") << line;
  } else if (how.starts_with("= ")) {
    EXPECT_EQ(value, how.substr(2)) << line;
  } else {
    ASSERT_TRUE(how.starts_with("~ ")) << line;
    EXPECT_NE(value.find(how.substr(2)), value.npos) << line << ": " << value;
  }
}

// "POINTER = JSON", "POINTER ~ TEXT", "POINTER size N", "POINTER absent", "header ...",
// "body ~ TEXT", "body ends TEXT".
void check(const std::string& line, const Answer& answer) {
  const size_t space = line.find(' ');
  const std::string what = line.substr(0, space);
  if (what == "header") return check_header(line, answer);
  const size_t second = line.find(' ', space + 1);
  const std::string how = line.substr(space + 1, second - space - 1);
  const std::string wanted = second == line.npos ? "" : line.substr(second + 1);
  if (what == "body" && how == "ends") {
    EXPECT_TRUE(answer.body.ends_with(unescape(wanted))) << line;
    return;
  }
  if (what == "body") {
    EXPECT_NE(answer.body.find(wanted), std::string::npos) << line;
    return;
  }
  const json::json_pointer pointer(what);
  const json body = answer.json();
  const json value = body.contains(pointer) ? body.at(pointer) : json();
  if (how == "absent") {
    EXPECT_FALSE(body.contains(pointer)) << line;
  } else if (how == "=") {
    EXPECT_TRUE(body.contains(pointer)) << line;
    EXPECT_EQ(value, json::parse(wanted)) << line;
  } else if (how == "size") {
    EXPECT_EQ(value.size(), std::stoul(wanted)) << line;
  } else {
    ASSERT_EQ(how, "~") << line;
    ASSERT_TRUE(value.is_string()) << line;
    EXPECT_NE(value.get<std::string>().find(wanted), std::string::npos) << line << value;
  }
}

class ApiCases : public SharedServed, public testing::WithParamInterface<Case> {};

TEST_P(ApiCases, AnswersAsWritten) {
  const Case& item = GetParam();
  std::string headers = item.headers;
  if (!item.body.empty() && headers.find("Content-Type") == headers.npos) {
    headers += "Content-Type: application/json\r\n";
  }
  const Answer answer =
      ask(served_->port(), request_text(item.method, item.path, item.body, headers));
  EXPECT_EQ(answer.status, item.status) << answer.body;
  EXPECT_FALSE(answer.header("x-request-id").empty());
  if (item.status >= 400 && item.method != "HEAD") {
    EXPECT_EQ(answer.json()["error"].size(), 4u) << answer.body;  // message, type, param, code
  }
  for (const std::string& line : item.expected) check(line, answer);
  if (HasFailure()) std::fprintf(stderr, "%s\n%s\n", item.name.c_str(), answer.body.c_str());
}

std::string test_name(const testing::TestParamInfo<Case>& item) {
  std::string name = item.param.file + "_" + item.param.name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ApiCases, testing::ValuesIn(read_cases()), test_name);

TEST(ApiCaseFiles, AreFound) { EXPECT_GT(read_cases().size(), 70u); }

}  // namespace
}  // namespace kilotoken::test
