#pragma once
// What a character is (Unicode character database, through utf8proc).

#include <cstdint>
#include <string>
#include <string_view>

namespace kilotoken {

// Property White_Space.
inline bool is_white_space(uint32_t code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}
bool is_numeric(uint32_t code);          // Nd, Nl, No
bool is_punctuation(uint32_t code);      // P*, and every ASCII sign that is no letter or digit
bool is_mark(uint32_t code);             // Mn, Mc, Me
bool is_nonspacing_mark(uint32_t code);  // Mn
bool is_other(uint32_t code);            // Cc, Cf, Co
bool is_word_character(uint32_t code);   // \w of UTS 18: letters, marks, digits, connectors
// The blocks of Han characters that BERT sets apart.
bool is_han_for_bert(uint32_t code);

bool is_ascii(std::string_view text);
// Every character on its own (no final sigma).
std::string lowercase(std::string_view text);

// True between two characters where an extended grapheme cluster ends (UAX 29). `state` is 0 at the
// beginning of a text and carried from call to call.
bool is_grapheme_break(uint32_t left, uint32_t right, int32_t& state);

}  // namespace kilotoken
