#pragma once
// UTF-8 as Unicode defines it (no overlong forms, no surrogates, up to U+10FFFF).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kilotoken {

// What stands at the beginning of a text that is not empty.
struct Utf8Step {
  enum Kind {
    kCharacter,   // a whole character of `bytes` bytes
    kUnfinished,  // the text ends within a character; `bytes` are all that is left
    kInvalid,     // `bytes` that begin a character and do not go on as one, or one that begins none
  };
  Kind kind;
  size_t bytes;
};
Utf8Step utf8_step(std::string_view text);

// The place of the first byte that is not UTF-8; nothing if all of it is.
std::optional<size_t> first_invalid_utf8(std::string_view text);

// What stands for bytes that belong to no character.
enum class Utf8Repair {
  kEveryByte,    // U+FFFD for each of them
  kEverySubpart  // U+FFFD for each beginning of a character (Unicode 15, section 3.9, U+FFFD
                 // substitution of maximal subparts; what Rust and Python do)
};
// Appends the text to `out`, repaired. Keeps an unfinished character at the end for later, unless
// `last`; returns how many bytes were taken.
size_t append_utf8(std::string& out, std::string_view text, bool last,
                   Utf8Repair repair = Utf8Repair::kEveryByte);

// The character at the beginning of a valid text that is not empty, and its bytes.
struct Utf8Character {
  uint32_t code;
  uint32_t bytes;
};
inline Utf8Character utf8_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}
// The last character of a valid text that is not empty.
Utf8Character last_utf8_character(std::string_view text);
void append_character(std::string& out, uint32_t code);

// Bytes of white space (Unicode White_Space) at the two ends of a valid UTF-8 text.
size_t leading_space_bytes(std::string_view text);
size_t trailing_space_bytes(std::string_view text);

}  // namespace kilotoken
