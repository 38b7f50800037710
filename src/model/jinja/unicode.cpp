#include "model/jinja/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>

namespace kilotoken::jinja {
namespace {

bool is_ascii_letter(int32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

utf8proc_category_t category_of(int32_t number) {
  return number < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(number);
}

bool is_letter(int32_t number) {
  switch (category_of(number)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return true;
    default:
      return false;
  }
}

bool is_cased(int32_t number) {
  const auto category = category_of(number);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT;
}

// Where upper case is more than one character; libutf8proc maps one to one.
void append_upper(std::string& out, std::string_view bytes, int32_t number) {
  if (number < 0) {
    out += bytes;
  } else if (number == 0xdf) {
    out += "SS";
  } else {
    append_code_point(out, utf8proc_toupper(number));
  }
}

// A sigma that ends its word is written differently: not at the beginning, and no letter after it.
void append_lower(std::string& out, std::string_view bytes, int32_t number, bool in_word,
                  std::string_view rest) {
  if (number < 0) {
    out += bytes;
  } else if (number == 0x3a3 && in_word) {
    int32_t next = -1;
    first_code_point(rest, &next);
    append_code_point(out, is_cased(next) ? 0x3c3 : 0x3c2);
  } else if (number == 0x130) {
    out += "i\xcc\x87";
  } else {
    append_code_point(out, utf8proc_tolower(number));
  }
}

template <typename Visit>
void each_code_point(std::string_view text, Visit visit) {
  while (!text.empty()) {
    int32_t number = -1;
    const std::string_view bytes = first_code_point(text, &number);
    text.remove_prefix(bytes.size());
    visit(bytes, number, text);
  }
}

}  // namespace

std::string_view first_code_point(std::string_view text, int32_t* number) {
  utf8proc_int32_t decoded = -1;
  if (text.empty()) return text;
  utf8proc_ssize_t size =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size(), 4)), &decoded);
  if (size <= 0) {
    size = 1;
    decoded = -1;
  }
  if (number != nullptr) *number = decoded;
  return text.substr(0, static_cast<size_t>(size));
}

void append_code_point(std::string& out, int32_t number) {
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t size = utf8proc_encode_char(number, bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

int64_t count_code_points(std::string_view text) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), plain)) return static_cast<int64_t>(text.size());
  int64_t count = 0;
  each_code_point(text, [&](std::string_view, int32_t, std::string_view) { ++count; });
  return count;
}

std::vector<std::string_view> code_points(std::string_view text) {
  std::vector<std::string_view> out;
  each_code_point(text,
                  [&](std::string_view bytes, int32_t, std::string_view) { out.push_back(bytes); });
  return out;
}

size_t offset_of(std::string_view text, int64_t code_point) {
  size_t offset = 0;
  while (code_point-- > 0 && offset < text.size()) {
    offset += first_code_point(text.substr(offset)).size();
  }
  return offset;
}

size_t find_bytes(std::string_view text, std::string_view wanted, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (wanted.size() < 16) return text.find(wanted, from);
  const void* found = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

size_t rfind_bytes(std::string_view text, std::string_view wanted) {
  if (wanted.size() < 16) return text.rfind(wanted);
  const std::string text_reversed(text.rbegin(), text.rend());
  const std::string wanted_reversed(wanted.rbegin(), wanted.rend());
  const size_t at = find_bytes(text_reversed, wanted_reversed);
  return at == std::string::npos ? at : text.size() - at - wanted.size();
}

bool is_python_space(int32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

std::string_view strip_left(std::string_view text) {
  while (!text.empty()) {
    int32_t number = -1;
    const std::string_view bytes = first_code_point(text, &number);
    if (!is_python_space(number)) break;
    text.remove_prefix(bytes.size());
  }
  return text;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 && (text[begin] & 0xc0) == 0x80) --begin;
    int32_t number = -1;
    const std::string_view bytes = first_code_point(text.substr(begin), &number);
    if (bytes.size() != text.size() - begin || !is_python_space(number)) break;
    text.remove_suffix(bytes.size());
  }
  return text;
}

std::string_view strip(std::string_view text) { return strip_right(strip_left(text)); }

std::string upper(std::string_view text) {
  std::string out;
  each_code_point(text, [&](std::string_view bytes, int32_t number, std::string_view) {
    append_upper(out, bytes, number);
  });
  return out;
}

std::string lower(std::string_view text) {
  std::string out;
  bool in_word = false;
  each_code_point(text, [&](std::string_view bytes, int32_t number, std::string_view rest) {
    append_lower(out, bytes, number, in_word, rest);
    in_word = is_cased(number);
  });
  return out;
}

std::string capitalize(std::string_view text) {
  std::string out;
  bool first = true;
  each_code_point(text, [&](std::string_view bytes, int32_t number, std::string_view rest) {
    if (!first) {
      append_lower(out, bytes, number, true, rest);
    } else if (number == 0xdf) {
      out += "Ss";
    } else if (number < 0) {
      out += bytes;
    } else {
      append_code_point(out, utf8proc_totitle(number));
    }
    first = false;
  });
  return out;
}

std::string title(std::string_view text) {
  std::string out;
  bool in_word = false;
  each_code_point(text, [&](std::string_view bytes, int32_t number, std::string_view rest) {
    if (in_word) {
      append_lower(out, bytes, number, true, rest);
    } else {
      out += capitalize(bytes);
    }
    in_word = is_cased(number);
  });
  return out;
}

std::string swap_case(std::string_view text) {
  std::string out;
  bool in_word = false;
  each_code_point(text, [&](std::string_view bytes, int32_t number, std::string_view rest) {
    if (category_of(number) == UTF8PROC_CATEGORY_LU) {
      append_lower(out, bytes, number, in_word, rest);
    } else {
      append_upper(out, bytes, number);
    }
    in_word = is_cased(number);
  });
  return out;
}

bool is_in(int32_t number, CharClass wanted) {
  const auto category = category_of(number);
  switch (wanted) {
    case CharClass::kAlpha:
      return is_letter(number);
    case CharClass::kDecimal:
      return category == UTF8PROC_CATEGORY_ND;
    case CharClass::kDigit:
      // Python adds superscripts and their like, which are "No" with a digit value.
      return category == UTF8PROC_CATEGORY_ND || number == 0xb2 || number == 0xb3 ||
             number == 0xb9 || number == 0x2070 || (number >= 0x2074 && number <= 0x2079) ||
             (number >= 0x2080 && number <= 0x2089) || (number >= 0x2460 && number <= 0x2468);
    case CharClass::kAlnum:
      return is_letter(number) || category == UTF8PROC_CATEGORY_ND ||
             category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_NO;
    case CharClass::kSpace:
      return is_python_space(number);
    case CharClass::kLower:
      return category == UTF8PROC_CATEGORY_LL;
    case CharClass::kUpper:
      return category == UTF8PROC_CATEGORY_LU;
    case CharClass::kPrintable:
      return number == ' ' ||
             !(category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
               category == UTF8PROC_CATEGORY_CN || category == UTF8PROC_CATEGORY_CO ||
               category == UTF8PROC_CATEGORY_CS || category == UTF8PROC_CATEGORY_ZL ||
               category == UTF8PROC_CATEGORY_ZP || category == UTF8PROC_CATEGORY_ZS);
    case CharClass::kWord:
      return number == '_' || is_ascii_letter(number) || is_in(number, CharClass::kAlnum);
  }
  return false;
}

bool all_in(std::string_view text, CharClass wanted) {
  const bool by_case = wanted == CharClass::kLower || wanted == CharClass::kUpper;
  bool all = true;
  bool any = false;
  each_code_point(text, [&](std::string_view, int32_t number, std::string_view) {
    if (by_case && !is_cased(number)) return;
    any = true;
    if (!is_in(number, wanted)) all = false;
  });
  return all && any;
}

}  // namespace kilotoken::jinja
