#pragma once
// UTF-8 by code points, as Python's str counts and classifies them (properties: libutf8proc). A
// byte that belongs to no character counts as one of its own.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kilotoken::jinja {

int64_t count_code_points(std::string_view text);

// The bytes of each code point.
std::vector<std::string_view> code_points(std::string_view text);
// The first code point: its bytes and its number (-1 for a stray byte). Nothing is left of "".
std::string_view first_code_point(std::string_view text, int32_t* number = nullptr);
void append_code_point(std::string& out, int32_t number);

// Where the n-th code point begins, in bytes; the text's size if there are fewer.
size_t offset_of(std::string_view text, int64_t code_point);

// std::string_view's find and rfind in linear time, whatever is looked for in whatever.
size_t find_bytes(std::string_view text, std::string_view wanted, size_t from = 0);
size_t rfind_bytes(std::string_view text, std::string_view wanted);

bool is_python_space(int32_t number);
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);
std::string_view strip(std::string_view text);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);  // str.title()
std::string swap_case(std::string_view text);

enum class CharClass {
  kAlpha,
  kDigit,
  kDecimal,
  kAlnum,
  kSpace,
  kLower,
  kUpper,
  kPrintable,
  kWord
};
bool is_in(int32_t number, CharClass wanted);
// str.isalpha() and its like: not empty and every character in the class (of cased ones, if any).
bool all_in(std::string_view text, CharClass wanted);

}  // namespace kilotoken::jinja
