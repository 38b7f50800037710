#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "model/jinja/filters.h"
#include "model/jinja/interpreter.h"
#include "model/jinja/operators.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

Value absolute(Interpreter&, const Value& value, Arguments& arguments) {
  arguments.finish();
  if (value.is_undefined()) raise_undefined(value);
  if (const double* real = value.as_real()) return Value::real(std::abs(*real));
  const auto whole = value.whole();
  if (!whole) throw Raised("bad operand type for abs(): '" + value.type_name() + "'");
  return *whole < 0 ? negative(value) : Value::integer(*whole);
}

// Digits with single underscores between them, without the underscores.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto digit = [&](size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
    };
    if (i == 0 || !digit(i - 1) || !digit(i + 1)) return std::nullopt;
  }
  return out;
}

// Python's int(text, base); nothing for what it refuses.
std::optional<Value> parse_whole(std::string_view text, int base) {
  const auto plain = without_underscores(strip(text));
  if (!plain) return std::nullopt;
  std::string_view digits = *plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  const auto prefixed = [&](char letter) {
    return digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == letter;
  };
  if ((base == 16 && prefixed('x')) || (base == 8 && prefixed('o')) ||
      (base == 2 && prefixed('b'))) {
    digits.remove_prefix(2);
  }
  if (digits.empty() || std::isalnum(static_cast<unsigned char>(digits[0])) == 0) return {};
  uint64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  const uint64_t most = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (parsed.ec != std::errc() || value > most) {
    throw Raised("an integer does not fit in 64 bits (limit of integers)");
  }
  return Value::integer(static_cast<int64_t>(negative ? uint64_t{0} - value : value));
}

// Python's float(text).
std::optional<double> parse_real(std::string_view text) {
  const auto plain = without_underscores(strip(text));
  if (!plain) return std::nullopt;
  std::string_view digits = *plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  if (digits.find('(') != digits.npos) return std::nullopt;  // from_chars takes nan(...)
  if (parsed.ec == std::errc::result_out_of_range) value = std::strtod(plain->c_str(), nullptr);
  return negative ? -std::abs(value) : value;
}

std::optional<double> real_of(const Value& value) {
  if (value.is_undefined()) raise_undefined(value);
  if (const auto number = value.number()) return number;
  if (const Text* text = value.as_text()) return parse_real(text->bytes);
  return std::nullopt;
}

Value to_whole(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const Value otherwise = arguments.get("default", Value::integer(0));
  const int64_t base = arguments.get_whole("base", 10);
  arguments.finish();
  if (base < 2 || base > 36) throw Raised("int() base must be >= 2 and <= 36");
  if (const Text* text = value.as_text()) {
    interpreter.budget().scan(text->bytes.size());
    if (auto parsed = parse_whole(text->bytes, static_cast<int>(base))) return *parsed;
  }
  if (const auto whole = value.whole()) return Value::integer(*whole);
  const auto real = real_of(value);
  if (!real || !std::isfinite(*real)) return otherwise;
  if (std::abs(*real) >= 9223372036854775808.0) {
    throw Raised("an integer does not fit in 64 bits (limit of integers)");
  }
  return Value::integer(static_cast<int64_t>(*real));
}

Value to_real(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const Value otherwise = arguments.get("default", Value::real(0));
  arguments.finish();
  if (const Text* text = value.as_text()) interpreter.budget().scan(text->bytes.size());
  const auto real = real_of(value);
  return real ? Value::real(*real) : otherwise;
}

// round(): to the nearest, and of two equally near ones to the even one, of the exact value.
double round_half_even(double value, int digits) {
  if (!std::isfinite(value) || digits > 320) return value;
  if (digits < -308) return 0.0;
  if (digits >= 0) {
    std::string buffer(800, '\0');
    std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, value);
    return std::strtod(buffer.c_str(), nullptr);
  }
  const long double scale = std::pow(10.0L, -digits);
  return static_cast<double>(std::nearbyint(static_cast<long double>(value) / scale) * scale);
}

Value round_whole(int64_t value, int64_t digits) {
  if (digits >= 0) return Value::integer(value);
  if (digits < -18) return Value::integer(0);
  const __int128 scale = static_cast<__int128>(std::pow(10.0L, static_cast<long double>(-digits)));
  const __int128 low = (value >= 0 ? value : value - scale + 1) / scale;
  const __int128 rest = value - low * scale;
  const bool up = rest * 2 > scale || (rest * 2 == scale && low % 2 != 0);
  const __int128 out = (low + (up ? 1 : 0)) * scale;
  if (out > INT64_MAX || out < INT64_MIN) {
    throw Raised("an integer does not fit in 64 bits (limit of integers)");
  }
  return Value::integer(static_cast<int64_t>(out));
}

Value round(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const int64_t precision = arguments.get_whole("precision", 0);
  const Value method = arguments.get("method", interpreter.text("common"));
  arguments.finish();
  if (value.is_undefined()) raise_undefined(value);
  const std::string name = method.as_text() == nullptr ? "" : method.as_text()->bytes;
  if (name != "common" && name != "ceil" && name != "floor") {
    throw Raised("method must be common, ceil or floor");
  }
  if (!value.number()) {
    throw Raised("type " + value.type_name() + " doesn't define __round__ method");
  }
  if (precision > 10000 || precision < -10000) throw Raised("round: precision is out of range");
  if (name == "common") {
    if (const auto whole = value.whole()) return round_whole(*whole, precision);
    return Value::real(round_half_even(*value.number(), static_cast<int>(precision)));
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = *value.number() * scale;
  if (!std::isfinite(scaled)) throw Raised("cannot convert float infinity or NaN to integer");
  return Value::real((name == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

}  // namespace

const std::vector<FilterRow>& number_filters() {
  static const std::vector<FilterRow> kFilters = {
      {"abs", absolute}, {"int", to_whole}, {"float", to_real}, {"round", round}};
  return kFilters;
}

}  // namespace kilotoken::jinja
