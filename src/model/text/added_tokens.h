#pragma once
// Added tokens: whole strings that stand for one id wherever they are written in a text (specials
// as
// "</s>", and others), found before the text is merged.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kilotoken {

struct AddedToken {
  std::string content;
  int32_t id = -1;
  bool special = false;
  bool lstrip = false;      // takes the white space before it along
  bool rstrip = false;      // and after it
  bool normalized = false;  // looked for in the normalised text
};

class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  struct Segment {
    size_t begin, end;
    int32_t id;  // -1: text between added tokens, never empty
  };
  // Leftmost first, the longest where several begin. `text` must be UTF-8.
  std::vector<Segment> split(std::string_view text) const;
  bool empty() const { return tokens_.empty(); }

 private:
  const AddedToken* match(std::string_view rest) const;

  std::vector<AddedToken> tokens_;                   // longest content first
  std::array<std::vector<uint32_t>, 256> by_first_;  // places in tokens_, by the first byte
};

}  // namespace kilotoken
