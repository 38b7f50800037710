#pragma once
// Score: how many cases of a tokenizer came out exactly as the reference has them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/text/tokenizer.h"

namespace kilotoken::test {

using Ids = std::vector<int32_t>;

class Score {
 public:
  explicit Score(std::string name) : name_(std::move(name)) {}

  void ids(const std::string& text, const Result<Ids>& got, const Ids& expected);
  // The whole, and the same token by token.
  void text(const Tokenizer& tokenizer, std::span<const int32_t> ids, bool skip_special_tokens,
            const std::string& expected);
  void equal(const std::string& what, const std::string& got, const std::string& expected);

  // Prints the line of this tokenizer. False unless all of `expected_cases` were there and exact.
  bool report(int expected_cases) const;

 private:
  void count(bool exact, const std::string& what, const std::string& got,
             const std::string& expected);
  std::string name_;
  int cases_ = 0, exact_ = 0;
};

// The data of a case: a file that cannot be read ends the program, with its name.
Json read_json(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);
std::unique_ptr<Tokenizer> taken(Result<std::unique_ptr<Tokenizer>> tokenizer);

}  // namespace kilotoken::test
