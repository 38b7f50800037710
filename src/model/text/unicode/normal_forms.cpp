#include "model/text/unicode/normal_forms.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "model/text/unicode/characters.h"
#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

using Codes = std::vector<utf8proc_int32_t>;

int combining_class(utf8proc_int32_t code) {
  return static_cast<int>(utf8proc_get_property(code)->combining_class);
}

void append_decomposed(Codes& codes, uint32_t code, utf8proc_option_t options) {
  std::array<utf8proc_int32_t, 32> parts;  // the longest, U+FDFA, has 18
  int boundary = UTF8PROC_BOUNDCLASS_START;
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), parts.data(),
                                             parts.size(), options, &boundary);
  KT_CHECK(count >= 0 && count <= static_cast<utf8proc_ssize_t>(parts.size()));
  codes.insert(codes.end(), parts.begin(), parts.begin() + count);
}

// Marks after a letter in the order of their classes. utf8proc's own ordering takes quadratic time.
void order_marks(Codes& codes) {
  for (size_t at = 0; at < codes.size();) {
    if (combining_class(codes[at]) == 0) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < codes.size() && combining_class(codes[end]) != 0) ++end;
    std::stable_sort(
        codes.begin() + static_cast<ptrdiff_t>(at), codes.begin() + static_cast<ptrdiff_t>(end),
        [](auto left, auto right) { return combining_class(left) < combining_class(right); });
    at = end;
  }
}

}  // namespace

std::string normal_form(std::string_view text, NormalForm form) {
  if (is_ascii(text)) return std::string(text);
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  const bool composed = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  auto options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
  if (compatible) options |= UTF8PROC_COMPAT;

  Codes codes;
  codes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Character next = utf8_character(text.substr(at));
    at += next.bytes;
    if (next.code < 0x80) {
      codes.push_back(static_cast<utf8proc_int32_t>(next.code));
    } else {
      append_decomposed(codes, next.code, static_cast<utf8proc_option_t>(options));
    }
  }
  order_marks(codes);
  if (composed) {
    const auto length = utf8proc_normalize_utf32(
        codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    KT_CHECK(length >= 0);
    codes.resize(static_cast<size_t>(length));
  }
  std::string out;
  out.reserve(text.size());
  for (const auto code : codes) append_character(out, static_cast<uint32_t>(code));
  return out;
}

}  // namespace kilotoken
