#pragma once
// UTF-8 as Unicode defines it (no overlong forms, no surrogates, up to U+10FFFF).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kilotoken {

// What stands at the beginning of a text that is not empty.
struct Utf8Step {
  enum Kind {
    kCharacter,   // a whole character of `bytes` bytes
    kUnfinished,  // the text ends within a character; `bytes` are all that is left
    kInvalid,     // one byte that begins no character
  };
  Kind kind;
  size_t bytes;
};
Utf8Step utf8_step(std::string_view text);

// The place of the first byte that is not UTF-8; nothing if all of it is.
std::optional<size_t> first_invalid_utf8(std::string_view text);

// Appends the text to `out`, each byte that belongs to no character as U+FFFD. Keeps an unfinished
// character at the end for later, unless `last`; returns how many bytes were taken.
size_t append_utf8(std::string& out, std::string_view text, bool last);

// Bytes of white space (Unicode White_Space) at the two ends of a valid UTF-8 text.
size_t leading_space_bytes(std::string_view text);
size_t trailing_space_bytes(std::string_view text);

}  // namespace kilotoken
