#include "model/jinja/format_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "model/jinja/print.h"
#include "model/jinja/text_methods.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

constexpr int kMostDigits = 1'000;  // of a float: nothing is left to say after them

std::string grouped(std::string digits, char separator, size_t every) {
  if (separator == '\0') return digits;
  for (size_t at = digits.size(); at > every;) {
    at -= every;
    digits.insert(at, 1, separator);
  }
  return digits;
}

// Sign, prefix and digits, filled up to the width.
std::string filled(Budget& budget, const std::string& sign, const std::string& digits,
                   FormatSpec spec) {
  if (spec.zero && (spec.align == '\0' || spec.align == '>')) {
    spec.fill = "0";
    spec.align = '=';
  }
  const int64_t width = spec.width;
  if (spec.align == '=') {
    return sign + padded(budget, digits, width - static_cast<int64_t>(sign.size()), spec.fill,
                         Side::kRight);
  }
  const Side side = spec.align == '<'   ? Side::kLeft
                    : spec.align == '^' ? Side::kCenter
                                        : Side::kRight;
  return padded(budget, sign + digits, width, spec.fill, side);
}

std::string sign_of(bool negative, char wanted) {
  if (negative) return "-";
  return wanted == '-' ? "" : std::string(1, wanted);
}

FormatSpec parse_spec(std::string_view text) {
  FormatSpec out;
  constexpr std::string_view kAligns = "<>=^";
  const size_t fill = first_code_point(text).size();
  size_t at = 0;
  if (fill < text.size() && kAligns.find(text[fill]) != kAligns.npos) {
    out.fill = text.substr(0, fill);
    out.align = text[fill];
    at = fill + 1;
  } else if (!text.empty() && kAligns.find(text[0]) != kAligns.npos) {
    out.align = text[at++];
  }
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  if (peek() == '+' || peek() == '-' || peek() == ' ') out.sign = text[at++];
  if (peek() == '#') {
    out.alternate = true;
    ++at;
  }
  if (peek() == '0') {
    out.zero = true;
    ++at;
  }
  out.width = read_number(text, at);
  if (peek() == ',' || peek() == '_') out.grouping = text[at++];
  if (peek() == '.') {
    const size_t before = ++at;
    out.precision = read_number(text, at);
    if (at == before) throw Raised("Format specifier missing precision");
  }
  if (at < text.size()) out.type = text[at++];
  if (at < text.size()) throw Raised("Invalid format specifier '" + std::string(text) + "'");
  return out;
}

[[noreturn]] void unknown_code(const FormatSpec& spec, const Value& value) {
  throw Raised(std::string("Unknown format code '") + spec.type + "' for object of type '" +
               value.type_name() + "'");
}

bool is_one_of(char type, std::string_view types) {
  return type != '\0' && types.find(type) != types.npos;
}

}  // namespace

int read_number(std::string_view text, size_t& at) {
  int64_t out = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    out = out * 10 + (text[at] - '0');
    if (out > kMostWidth) {
      throw Raised("a width or precision is larger than " + std::to_string(kMostWidth) +
                   " (limit of format width)");
    }
  }
  return static_cast<int>(out);
}

std::string format_text(Budget& budget, std::string_view text, const FormatSpec& spec) {
  if (spec.precision >= 0) text = text.substr(0, offset_of(text, spec.precision));
  const Side side = spec.align == '>'   ? Side::kRight
                    : spec.align == '^' ? Side::kCenter
                                        : Side::kLeft;
  if (side != Side::kCenter) return padded(budget, text, spec.width, spec.fill, side);
  // format() puts the odd one on the right, always; str.center does not.
  const int64_t length = count_code_points(text);
  const int64_t left = std::max<int64_t>(0, spec.width - length) / 2;
  const std::string begun = padded(budget, text, length + left, spec.fill, Side::kRight);
  return padded(budget, begun, spec.width, spec.fill, Side::kLeft);
}

std::string format_whole(Budget& budget, int64_t value, const FormatSpec& spec) {
  const int base = spec.type == 'b'             ? 2
                   : spec.type == 'o'           ? 8
                   : is_one_of(spec.type, "xX") ? 16
                                                : 10;
  char buffer[80];
  const uint64_t magnitude =
      value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, magnitude, base);
  std::string digits(buffer, end.ptr);
  if (spec.precision > static_cast<int>(digits.size())) {
    digits = padded(budget, digits, spec.precision, "0", Side::kRight);
  }
  digits = grouped(std::move(digits), spec.grouping, base == 10 ? 3 : 4);
  std::string sign = sign_of(value < 0, spec.sign);
  if (spec.alternate && base != 10) sign += base == 2 ? "0b" : base == 8 ? "0o" : "0x";
  std::string out = filled(budget, sign, digits, spec);
  if (spec.type == 'X') out = upper(out);
  return out;
}

std::string format_real(Budget& budget, double value, const FormatSpec& spec) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  const std::string sign = sign_of(negative, spec.sign);
  const double magnitude = std::abs(spec.type == '%' ? value * 100 : value);
  std::string digits;
  if (!std::isfinite(magnitude)) {
    digits = std::isnan(magnitude) ? "nan" : "inf";
  } else if (spec.type == '\0' && spec.precision < 0) {
    digits = repr_real(magnitude);
  } else {
    const char type = spec.type == '\0' ? 'g' : spec.type == '%' ? 'f' : spec.type;
    const int precision = spec.precision < 0 ? 6 : spec.precision;
    if (precision > kMostDigits) {
      throw Raised("a precision is larger than " + std::to_string(kMostDigits) +
                   " (limit of format precision)");
    }
    const std::string form = std::string(spec.alternate ? "%#.*" : "%.*") + type;
    std::string buffer(static_cast<size_t>(kMostDigits) + 400, '\0');
    const int size =
        std::snprintf(buffer.data(), buffer.size(), form.c_str(), precision, magnitude);
    digits = buffer.substr(0, static_cast<size_t>(size));
  }
  const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  digits = grouped(digits.substr(0, whole), spec.grouping, 3) + digits.substr(whole);
  if (spec.type == '%') digits += '%';
  std::string out = filled(budget, sign, digits, spec);
  if (is_one_of(spec.type, "EFG")) out = upper(out);
  return out;
}

std::string format_value(Budget& budget, const Value& value, std::string_view text) {
  if (text.empty()) return to_text(budget, value);
  const FormatSpec spec = parse_spec(text);
  if (value.as_real() != nullptr) {
    if (spec.type != '\0' && !is_one_of(spec.type, "eEfFgG%")) unknown_code(spec, value);
    return format_real(budget, *value.as_real(), spec);
  }
  if (const auto whole = value.whole()) {
    if (is_one_of(spec.type, "eEfFgG%")) {
      return format_real(budget, static_cast<double>(*whole), spec);
    }
    if (spec.type != '\0' && !is_one_of(spec.type, "bdoxX")) unknown_code(spec, value);
    if (spec.precision >= 0) throw Raised("Precision not allowed in integer format specifier");
    return format_whole(budget, *whole, spec);
  }
  if (value.as_text() == nullptr) {
    throw Raised("unsupported format string passed to " + value.type_name() + ".__format__");
  }
  if (spec.type != '\0' && spec.type != 's') unknown_code(spec, value);
  if (spec.align == '=') throw Raised("'=' alignment not allowed in string format specifier");
  FormatSpec plain = spec;
  if (spec.zero && spec.align == '\0') plain.fill = "0";
  return format_text(budget, value.as_text()->bytes, plain);
}

}  // namespace kilotoken::jinja
