#pragma once
// From Oniguruma's Ruby syntax to PCRE2's: classes within classes, `&&`, and \s \w \h, which mean
// other characters there (Oniguruma's doc/RE; PCRE2's pcre2syntax).

#include <string>
#include <string_view>

#include "base/result.h"

namespace kilotoken {

// kInvalid, or kUnsupported for what has no counterpart; the message begins with `where`.
Result<std::string> pcre2_pattern(std::string_view pattern, std::string_view where);

}  // namespace kilotoken
