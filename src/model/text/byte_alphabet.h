#pragma once
// GPT-2's alphabet: a printable character for each byte, so that any text is a string of letters
// (openai/gpt-2, encoder.py, bytes_to_unicode).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kilotoken {

uint32_t letter_of_byte(uint8_t byte);
// Each byte as its letter.
std::string in_byte_alphabet(std::string_view bytes);
// The bytes that a valid UTF-8 text stands for; nothing if one of its characters is no letter.
std::optional<std::string> from_byte_alphabet(std::string_view letters);

}  // namespace kilotoken
