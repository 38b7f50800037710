#include "model/jinja/text_methods.h"

#include <algorithm>

#include "model/jinja/format.h"
#include "model/jinja/interpreter.h"
#include "model/jinja/operators.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

const std::string& bytes_of(Interpreter& interpreter, const Value& self) {
  const std::string& bytes = self.as_text()->bytes;
  interpreter.budget().walk(bytes.size());
  return bytes;
}

template <std::string (*kChange)(std::string_view)>
Value changed(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  arguments.finish();
  return interpreter.text(kChange(bytes_of(interpreter, self)));
}

template <CharClass kClass>
Value is_all(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  arguments.finish();
  return Value(all_in(bytes_of(interpreter, self), kClass));
}

Value is_title(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  arguments.finish();
  const std::string& text = bytes_of(interpreter, self);
  const bool cased = upper(text) != text || lower(text) != text;
  return Value(cased && title(text) == text);
}

template <bool kLeft, bool kRight>
Value stripped(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value chars = arguments.get("chars", {});
  arguments.finish();
  return interpreter.text(std::string(
      strip_chars(interpreter.budget(), bytes_of(interpreter, self), chars, kLeft, kRight)));
}

// Where [start:end] of a text lies, in bytes; nothing if it begins behind the end of the text.
struct Span {
  size_t begin;
  std::string_view text;
};
std::optional<Span> span_of(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Text& text = *self.as_text();
  const Value start = arguments.get("start", {});
  const Value end = arguments.get("end", {});
  arguments.finish();
  if (start.is_none() && end.is_none()) return Span{0, bytes_of(interpreter, self)};
  const auto bound = [&](const Value& value, int64_t otherwise) {
    if (value.is_none()) return otherwise;
    if (!value.whole()) throw Raised("slice indices must be integers or None");
    const int64_t at = *value.whole();
    return at < 0 ? std::max<int64_t>(0, at < -text.length ? 0 : at + text.length) : at;
  };
  const int64_t from = bound(start, 0);
  const int64_t to = std::min(bound(end, text.length), text.length);
  if (from > text.length || to < from) return std::nullopt;
  const std::string& bytes = bytes_of(interpreter, self);
  const size_t begin = text.ascii() ? static_cast<size_t>(from) : offset_of(bytes, from);
  const size_t past = text.ascii() ? static_cast<size_t>(to) : offset_of(bytes, to);
  return Span{begin, std::string_view(bytes).substr(begin, past - begin)};
}

template <bool kStart>
Value has_affix(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value affix = arguments.need("prefix");
  if (affix.is_undefined()) raise_undefined(affix);
  const auto span = span_of(interpreter, self, arguments);
  std::vector<Value> affixes = {affix};
  if (affix.is_sequence(Sequence::kTuple)) affixes = affix.as_sequence()->items;
  bool found = false;
  for (const Value& each : affixes) {
    if (each.as_text() == nullptr) {
      throw Raised(arguments.callee() + " first arg must be str or a tuple of str, not " +
                   each.type_name());
    }
    const std::string& bytes = each.as_text()->bytes;
    if (span && (kStart ? span->text.starts_with(bytes) : span->text.ends_with(bytes))) {
      found = true;
    }
  }
  return Value(found);
}

template <bool kFromRight, bool kMustExist>
Value find_text(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const std::string wanted = arguments.need_text("sub");
  const auto span = span_of(interpreter, self, arguments);
  size_t at = std::string::npos;
  if (span) at = kFromRight ? rfind_bytes(span->text, wanted) : find_bytes(span->text, wanted);
  if (at == std::string::npos) {
    if (kMustExist) throw Raised("substring not found");
    return Value::integer(-1);
  }
  const std::string_view before(self.as_text()->bytes.data(), span->begin + at);
  return Value::integer(count_code_points(before));
}

Value count_text(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const std::string wanted = arguments.need_text("sub");
  const auto span = span_of(interpreter, self, arguments);
  if (!span) return Value::integer(0);
  if (wanted.empty()) return Value::integer(count_code_points(span->text) + 1);
  int64_t count = 0;
  for (size_t at = find_bytes(span->text, wanted); at != std::string_view::npos;
       at = find_bytes(span->text, wanted, at + wanted.size())) {
    ++count;
  }
  return Value::integer(count);
}

Value replace_text(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const std::string from = arguments.need_text("old");
  const std::string to = arguments.need_text("new");
  const int64_t count = arguments.get_whole("count", -1);
  arguments.finish();
  return interpreter.text(
      replaced(interpreter.budget(), bytes_of(interpreter, self), from, to, count));
}

Value list_of(Interpreter& interpreter, const std::vector<std::string_view>& parts) {
  std::vector<Value> out;
  for (const std::string_view part : parts) out.push_back(interpreter.text(std::string(part)));
  return Value::list(interpreter.budget(), std::move(out));
}

// At white space: runs of it are one separator, and none counts at the ends.
std::vector<std::string_view> split_at_space(std::string_view text, int64_t most) {
  std::vector<std::string_view> out;
  text = strip_left(text);
  while (!text.empty()) {
    if (most >= 0 && static_cast<int64_t>(out.size()) >= most) {
      out.push_back(text);
      break;
    }
    size_t end = 0;
    while (end < text.size()) {
      int32_t number = -1;
      const std::string_view bytes = first_code_point(text.substr(end), &number);
      if (is_python_space(number)) break;
      end += bytes.size();
    }
    out.push_back(text.substr(0, end));
    text = strip_left(text.substr(end));
  }
  return out;
}

std::vector<std::string_view> split_at_space_from_right(std::string_view text, int64_t most) {
  std::vector<std::string_view> out = split_at_space(text, -1);
  if (most < 0 || static_cast<int64_t>(out.size()) <= most + 1) return out;
  const size_t rest = out.size() - static_cast<size_t>(most);  // words that stay together
  const char* begin = text.data();
  const char* end = out[rest - 1].data() + out[rest - 1].size();
  out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(rest - 1));
  out[0] = std::string_view(begin, static_cast<size_t>(end - begin));
  return out;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator,
                                       int64_t most) {
  std::vector<std::string_view> out;
  while (most < 0 || static_cast<int64_t>(out.size()) < most) {
    const size_t at = find_bytes(text, separator);
    if (at == std::string_view::npos) break;
    out.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  out.push_back(text);
  return out;
}

// The same from the end, on both read backwards.
std::vector<std::string_view> split_at_from_right(std::string_view text, std::string_view separator,
                                                  int64_t most) {
  const std::string backwards(text.rbegin(), text.rend());
  const std::string separator_backwards(separator.rbegin(), separator.rend());
  std::vector<std::string_view> out = split_at(backwards, separator_backwards, most);
  for (std::string_view& part : out) {
    const auto end = static_cast<size_t>(part.data() - backwards.data());
    part = text.substr(text.size() - end - part.size(), part.size());
  }
  std::reverse(out.begin(), out.end());
  return out;
}

template <bool kFromRight>
Value split_text(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value separator = arguments.get("sep", {});
  const int64_t most = arguments.get_whole("maxsplit", -1);
  arguments.finish();
  const std::string& bytes = bytes_of(interpreter, self);
  if (separator.is_none()) {
    return list_of(interpreter, kFromRight ? split_at_space_from_right(bytes, most)
                                           : split_at_space(bytes, most));
  }
  if (separator.is_undefined()) raise_undefined(separator);
  if (separator.as_text() == nullptr) {
    throw Raised("must be str or None, not " + separator.type_name());
  }
  if (separator.as_text()->bytes.empty()) throw Raised("empty separator");
  const std::string& at = separator.as_text()->bytes;
  return list_of(interpreter,
                 kFromRight ? split_at_from_right(bytes, at, most) : split_at(bytes, at, most));
}

Value split_lines_method(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const bool keep = arguments.get("keepends", Value(false)).truthy();
  arguments.finish();
  return list_of(interpreter, split_lines(bytes_of(interpreter, self), keep));
}

template <bool kFromRight>
Value partition(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const std::string separator = arguments.need_text("sep");
  arguments.finish();
  if (separator.empty()) throw Raised("empty separator");
  const std::string_view text = bytes_of(interpreter, self);
  const size_t at = kFromRight ? rfind_bytes(text, separator) : find_bytes(text, separator);
  std::vector<std::string_view> parts;
  if (at != std::string_view::npos) {
    parts = {text.substr(0, at), separator, text.substr(at + separator.size())};
  } else if (kFromRight) {
    parts = {"", "", text};
  } else {
    parts = {text, "", ""};
  }
  std::vector<Value> out;
  for (const std::string_view part : parts) out.push_back(interpreter.text(std::string(part)));
  return Value::list(interpreter.budget(), std::move(out), Sequence::kTuple);
}

Value join_method(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value items = arguments.need("iterable");
  arguments.finish();
  std::vector<std::string> parts;
  for (const Value& item : iterate(interpreter.budget(), items)) {
    if (item.as_text() == nullptr) {
      throw Raised("sequence item " + std::to_string(parts.size()) + ": expected str instance, " +
                   item.type_name() + " found");
    }
    interpreter.budget().memory(item.as_text()->bytes.size());
    parts.push_back(item.as_text()->bytes);
  }
  return interpreter.text(joined(interpreter.budget(), self.as_text()->bytes, parts));
}

template <Side kSide>
Value pad(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const int64_t width = arguments.get_whole("width", 0);
  const Value fill = arguments.get("fillchar", interpreter.text(" "));
  arguments.finish();
  if (fill.as_text() == nullptr || fill.as_text()->length != 1) {
    throw Raised("The fill character must be exactly one character long");
  }
  return interpreter.text(padded(interpreter.budget(), bytes_of(interpreter, self), width,
                                 fill.as_text()->bytes, kSide));
}

Value zero_fill(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const int64_t width = arguments.get_whole("width", 0);
  arguments.finish();
  std::string_view text = bytes_of(interpreter, self);
  std::string sign;
  if (text.starts_with('-') || text.starts_with('+')) {
    sign = text[0];
    text.remove_prefix(1);
  }
  const int64_t rest = width - static_cast<int64_t>(sign.size());
  return interpreter.text(sign + padded(interpreter.budget(), text, rest, "0", Side::kRight));
}

template <bool kPrefix>
Value remove_affix(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const std::string affix = arguments.need_text("affix");
  arguments.finish();
  std::string_view text = bytes_of(interpreter, self);
  if (kPrefix ? text.starts_with(affix) : text.ends_with(affix)) {
    if (kPrefix) {
      text.remove_prefix(affix.size());
    } else {
      text.remove_suffix(affix.size());
    }
  }
  return interpreter.text(std::string(text));
}

Value format_method(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return interpreter.text(brace_format(interpreter, bytes_of(interpreter, self), arguments));
}

}  // namespace

std::string_view strip_chars(Budget& budget, std::string_view text, const Value& chars, bool left,
                             bool right) {
  if (chars.is_none()) {
    if (left) text = strip_left(text);
    return right ? strip_right(text) : text;
  }
  if (chars.is_undefined()) raise_undefined(chars);
  if (chars.as_text() == nullptr) {
    throw Raised("strip arg must be None or str, not " + chars.type_name());
  }
  const std::string& set = chars.as_text()->bytes;
  budget.step(static_cast<int64_t>(set.size()));
  const auto known = [&](std::string_view bytes) {
    budget.scan(set.size());
    return !bytes.empty() && set.find(bytes) != std::string::npos;
  };
  while (left && !text.empty() && known(first_code_point(text))) {
    text.remove_prefix(first_code_point(text).size());
  }
  while (right && !text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 && (text[begin] & 0xc0) == 0x80) --begin;
    if (!known(text.substr(begin))) break;
    text.remove_suffix(text.size() - begin);
  }
  return text;
}

std::string replaced(Budget& budget, std::string_view text, std::string_view from,
                     std::string_view to, int64_t count) {
  std::string out;
  const auto more = [&] { return count < 0 || count-- > 0; };
  const auto put = [&](std::string_view part) {
    budget.memory(part.size());
    out += part;
  };
  if (from.empty()) {
    while (more()) {
      put(to);
      if (text.empty()) return out;
      const std::string_view bytes = first_code_point(text);
      put(bytes);
      text.remove_prefix(bytes.size());
    }
    put(text);
    return out;
  }
  for (size_t at = find_bytes(text, from); at != std::string_view::npos && more();
       at = find_bytes(text, from)) {
    put(text.substr(0, at));
    put(to);
    text.remove_prefix(at + from.size());
  }
  put(text);
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> out;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    int32_t number = -1;
    size_t size = first_code_point(text.substr(at), &number).size();
    const bool ends = (number >= 10 && number <= 13) || (number >= 0x1c && number <= 0x1e) ||
                      number == 0x85 || number == 0x2028 || number == 0x2029;
    if (!ends) {
      at += size;
      continue;
    }
    if (number == '\r' && at + 1 < text.size() && text[at + 1] == '\n') size = 2;
    out.push_back(text.substr(begin, at + (keep_ends ? size : 0) - begin));
    begin = at += size;
  }
  if (begin < text.size()) out.push_back(text.substr(begin));
  return out;
}

std::string padded(Budget& budget, std::string_view text, int64_t width, std::string_view fill,
                   Side side) {
  const int64_t length = count_code_points(text);
  const int64_t missing = width - length;
  if (missing <= 0) return std::string(text);
  int64_t total = 0;
  if (__builtin_mul_overflow(missing, static_cast<int64_t>(fill.size()), &total)) total = INT64_MAX;
  budget.memory(static_cast<size_t>(total));
  int64_t left = 0;
  if (side == Side::kRight) left = missing;
  if (side == Side::kCenter) left = missing / 2 + (missing & width & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (int64_t i = left; i < missing; ++i) out += fill;
  return out;
}

std::string joined(Budget& budget, std::string_view separator,
                   const std::vector<std::string>& parts) {
  std::string out;
  bool first = true;
  for (const std::string& part : parts) {
    budget.memory(separator.size() + part.size());
    if (!first) out += separator;
    first = false;
    out += part;
  }
  return out;
}

const std::vector<TextMethod>& text_methods() {
  static const std::vector<TextMethod> kMethods = {
      {"upper", changed<upper>},
      {"lower", changed<lower>},
      {"casefold", changed<lower>},
      {"title", changed<title>},
      {"capitalize", changed<capitalize>},
      {"swapcase", changed<swap_case>},
      {"strip", stripped<true, true>},
      {"lstrip", stripped<true, false>},
      {"rstrip", stripped<false, true>},
      {"startswith", has_affix<true>},
      {"endswith", has_affix<false>},
      {"find", find_text<false, false>},
      {"rfind", find_text<true, false>},
      {"index", find_text<false, true>},
      {"rindex", find_text<true, true>},
      {"count", count_text},
      {"replace", replace_text, true},
      {"split", split_text<false>, true},
      {"rsplit", split_text<true>, true},
      {"splitlines", split_lines_method, true},
      {"partition", partition<false>},
      {"rpartition", partition<true>},
      {"join", join_method},
      {"center", pad<Side::kCenter>},
      {"ljust", pad<Side::kLeft>},
      {"rjust", pad<Side::kRight>},
      {"zfill", zero_fill},
      {"removeprefix", remove_affix<true>},
      {"removesuffix", remove_affix<false>},
      {"format", format_method, true},
      {"isalpha", is_all<CharClass::kAlpha>},
      {"isalnum", is_all<CharClass::kAlnum>},
      {"isdecimal", is_all<CharClass::kDecimal>},
      {"isdigit", is_all<CharClass::kDigit>},
      {"isspace", is_all<CharClass::kSpace>},
      {"islower", is_all<CharClass::kLower>},
      {"isupper", is_all<CharClass::kUpper>},
      {"istitle", is_title},
  };
  return kMethods;
}

}  // namespace kilotoken::jinja
