#pragma once
// Added tokens: whole strings that stand for one id wherever they are written in a text (specials
// such as "</s>", and others), found before the text is cut any further.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/models/piece_trie.h"

namespace kilotoken {

struct AddedToken {
  std::string content;
  int32_t id = -1;
  bool special = false;
  bool single_word = false;  // only where no letter, digit or mark is next to it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and after it
  bool normalized = false;   // looked for in the normalised text
};

class AddedTokens {
 public:
  AddedTokens() = default;
  // Of two with the same content the first counts.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  struct Segment {
    size_t begin, end;
    int32_t id;  // -1: text between added tokens, never empty
  };
  // Leftmost first, the longest where several begin. `text` must be UTF-8. A special token that is
  // taken as text still hides what begins within it.
  std::vector<Segment> split(std::string_view text, bool specials_as_text) const;
  bool empty() const { return tokens_.empty(); }

 private:
  const AddedToken* match(std::string_view rest) const;
  static bool stands_alone(std::string_view text, size_t begin, size_t end);

  std::vector<AddedToken> tokens_;
  PieceTrie trie_;                  // content to place in tokens_
  std::array<bool, 256> begins_{};  // by the first byte
};

}  // namespace kilotoken
