#pragma once
// One field of a format: Python's format specification mini-language
// (docs.python.org/3/library/string.html#formatspec).

#include <string>
#include <string_view>

#include "model/jinja/value.h"

namespace kilotoken::jinja {

inline constexpr int kMostWidth = 1'000'000;  // of a field; also the most digits

struct FormatSpec {
  std::string fill = " ";
  char align = '\0';  // < > ^ = or none
  char sign = '-';    // + - or a space
  bool alternate = false;
  bool zero = false;
  int width = 0;
  char grouping = '\0';  // , or _
  int precision = -1;    // none
  char type = '\0';
};

// Digits at `at`, which moves behind them; 0 if there are none. Refuses more than kMostWidth.
int read_number(std::string_view text, size_t& at);

std::string format_text(Budget& budget, std::string_view text, const FormatSpec& spec);
std::string format_whole(Budget& budget, int64_t value, const FormatSpec& spec);
std::string format_real(Budget& budget, double value, const FormatSpec& spec);

// format(value, spec)
std::string format_value(Budget& budget, const Value& value, std::string_view spec);

}  // namespace kilotoken::jinja
