#include "model/jinja/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "model/jinja/format_spec.h"
#include "model/jinja/interpreter.h"
#include "model/jinja/operators.h"
#include "model/jinja/print.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

// "%(key)-08.3f" and its like, one after the other.
class PercentFormat {
 public:
  PercentFormat(Budget& budget, std::string_view text, const Value& values)
      : budget_(budget), text_(text), values_(values) {
    if (values.is_sequence(Sequence::kTuple) || values.is_sequence(Sequence::kGroup)) {
      positional_ = values.as_sequence()->items;
    } else {
      positional_.push_back(values);
    }
  }

  std::string run() {
    while (at_ < text_.size()) {
      const size_t percent = std::min(text_.find('%', at_), text_.size());
      put(text_.substr(at_, percent - at_));
      at_ = percent + 1;
      if (percent < text_.size()) directive();
    }
    const bool unused = next_ < positional_.size() && values_.as_dict() == nullptr;
    if (unused && !(used_keys_)) {
      throw Raised("not all arguments converted during string formatting");
    }
    return std::move(out_);
  }

 private:
  void put(std::string_view part) {
    budget_.memory(part.size());
    out_ += part;
  }

  char peek() const {
    if (at_ >= text_.size()) throw Raised("incomplete format");
    return text_[at_];
  }

  Value next_value() {
    if (next_ >= positional_.size()) throw Raised("not enough arguments for format string");
    return positional_[next_++];
  }

  int number_or_star() {
    if (peek() == '*') {
      ++at_;
      const Value value = next_value();
      const auto whole = value.whole();
      if (!whole || *whole < -kMostWidth || *whole > kMostWidth) throw Raised("* wants int");
      return static_cast<int>(*whole);
    }
    return read_number(text_, at_);
  }

  void directive() {
    Value value;
    bool keyed = false;
    if (peek() == '%') {
      ++at_;
      return put("%");
    }
    if (peek() == '(') {
      const size_t close = text_.find(')', at_);
      if (close == std::string_view::npos) throw Raised("incomplete format key");
      if (values_.as_dict() == nullptr) throw Raised("format requires a mapping");
      const Value key = Value::text(budget_, std::string(text_.substr(at_ + 1, close - at_ - 1)));
      const Value* found = find_key(budget_, *values_.as_dict(), key);
      if (found == nullptr) throw Raised("KeyError: " + repr(budget_, key));
      value = *found;
      keyed = used_keys_ = true;
      at_ = close + 1;
    }
    FormatSpec spec;
    spec.align = '>';
    for (; std::string_view("-+ #0").find(peek()) != std::string_view::npos; ++at_) {
      if (peek() == '-') spec.align = '<';
      if (peek() == '+') spec.sign = '+';
      if (peek() == ' ' && spec.sign == '-') spec.sign = ' ';
      if (peek() == '#') spec.alternate = true;
      if (peek() == '0') spec.zero = true;
    }
    spec.width = number_or_star();
    if (spec.width < 0) {
      spec.align = '<';
      spec.width = -spec.width;
    }
    if (peek() == '.') {
      ++at_;
      spec.precision = std::max(0, number_or_star());
    }
    while (std::string_view("hlL").find(peek()) != std::string_view::npos) ++at_;
    spec.type = peek();
    ++at_;
    if (!keyed) value = next_value();
    convert(spec, value);
  }

  void convert(FormatSpec spec, const Value& value) {
    if (spec.align == '<') spec.zero = false;
    switch (spec.type) {
      case 's':
      case 'r':
      case 'a': {
        std::string text = spec.type == 's' ? to_text(budget_, value) : repr(budget_, value);
        spec.zero = false;
        return put(format_text(budget_, text, spec));
      }
      case 'c': {
        std::string text;
        if (value.as_text() != nullptr && value.as_text()->length == 1) {
          text = value.as_text()->bytes;
        } else if (value.whole() && *value.whole() >= 0 && *value.whole() < 0xd800) {
          append_code_point(text, static_cast<int32_t>(*value.whole()));
        } else {
          throw Raised("%c requires int or char");
        }
        return put(format_text(budget_, text, spec));
      }
      case 'd':
      case 'i':
      case 'u': {
        const auto number = value.number();
        if (!number) {
          throw Raised("%d format: a real number is required, not " + value.type_name());
        }
        spec.type = 'd';
        if (value.whole()) return put(format_whole(budget_, *value.whole(), spec));
        if (!(std::abs(*number) < 9.2e18)) throw Raised("cannot convert float to integer");
        return put(format_whole(budget_, static_cast<int64_t>(*number), spec));
      }
      case 'o':
      case 'x':
      case 'X':
        if (!value.whole()) {
          throw Raised(std::string("%") + spec.type + " format: an integer is required, not " +
                       value.type_name());
        }
        return put(format_whole(budget_, *value.whole(), spec));
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (!value.number()) throw Raised("must be real number, not " + value.type_name());
        return put(format_real(budget_, *value.number(), spec));
      default:
        throw Raised(std::string("unsupported format character '") + spec.type + "'");
    }
  }

  Budget& budget_;
  std::string_view text_;
  const Value& values_;
  std::vector<Value> positional_;
  size_t next_ = 0;
  bool used_keys_ = false;
  size_t at_ = 0;
  std::string out_;
};

// "{}", "{0.name[key]!r:>10}" and its like.
class BraceFormat {
 public:
  BraceFormat(Interpreter& interpreter, const Arguments& arguments)
      : interpreter_(interpreter), budget_(interpreter.budget()), arguments_(arguments) {}

  std::string run(std::string_view text, int depth) {
    if (depth > 2) throw Raised("Max string recursion exceeded");
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const char c = text[at];
      if ((c == '{' || c == '}') && at + 1 < text.size() && text[at + 1] == c) {
        out += c;
        at += 2;
      } else if (c == '}') {
        throw Raised("Single '}' encountered in format string");
      } else if (c != '{') {
        const size_t end = std::min(text.find_first_of("{}", at), text.size());
        budget_.memory(end - at);
        out += text.substr(at, end - at);
        at = end;
      } else {
        const size_t end = field_end(text, at + 1);
        const std::string part = field(text.substr(at + 1, end - at - 1), depth);
        budget_.memory(part.size());
        out += part;
        at = end + 1;
      }
    }
    return out;
  }

 private:
  static size_t field_end(std::string_view text, size_t at) {
    for (int open = 1; at < text.size(); ++at) {
      if (text[at] == '{') ++open;
      if (text[at] == '}' && --open == 0) return at;
    }
    throw Raised("expected '}' before end of string");
  }

  std::string field(std::string_view text, int depth) {
    const size_t colon = std::min(text.find(':'), text.size());
    std::string_view name = text.substr(0, colon);
    const std::string_view spec = colon < text.size() ? text.substr(colon + 1) : "";
    char conversion = '\0';
    if (const size_t mark = name.find('!'); mark != name.npos) {
      if (mark + 2 != name.size()) throw Raised("bad conversion in format string");
      conversion = name.back();
      name = name.substr(0, mark);
    }
    Value value = look_up(name);
    if (conversion == 's') value = interpreter_.text(to_text(budget_, value));
    if (conversion == 'r') value = interpreter_.text(repr(budget_, value));
    return format_value(budget_, value, run(spec, depth + 1));
  }

  Value look_up(std::string_view name) {
    const size_t end = std::min(name.find_first_of(".["), name.size());
    const std::string_view first = name.substr(0, end);
    size_t at = 0;
    Value value;
    if (first.empty() || (first[0] >= '0' && first[0] <= '9')) {
      const bool counted = !first.empty();
      if (numbering_.value_or(counted) != counted) {
        throw Raised("cannot mix numbered fields and fields without a number");
      }
      numbering_ = counted;
      const auto index = counted ? static_cast<size_t>(read_number(first, at)) : next_++;
      if (index >= arguments_.positional.size()) {
        throw Raised("Replacement index " + std::to_string(index) +
                     " out of range for positional args tuple");
      }
      value = arguments_.positional[index];
    } else {
      const auto found = std::find_if(arguments_.named.begin(), arguments_.named.end(),
                                      [&](const auto& item) { return item.first == first; });
      if (found == arguments_.named.end()) throw Raised("KeyError: " + repr_text(first));
      value = found->second;
    }
    name.remove_prefix(end);
    while (!name.empty()) value = step_into(value, name);
    return value;
  }

  Value step_into(const Value& value, std::string_view& name) {
    if (name[0] == '.') {
      const size_t end = std::min(name.find_first_of(".[", 1), name.size());
      const Value out = get_attribute(interpreter_, value, name.substr(1, end - 1));
      name.remove_prefix(end);
      return out;
    }
    const size_t close = name.find(']');
    if (name[0] != '[' || close == name.npos) throw Raised("malformed field in format string");
    const std::string_view key = name.substr(1, close - 1);
    const bool digits = !key.empty() && key.find_first_not_of("0123456789") == key.npos;
    size_t at = 0;
    const Value index =
        digits ? Value::integer(read_number(key, at)) : interpreter_.text(std::string(key));
    name.remove_prefix(close + 1);
    return get_item(interpreter_, value, index);
  }

  Interpreter& interpreter_;
  Budget& budget_;
  const Arguments& arguments_;
  size_t next_ = 0;
  std::optional<bool> numbering_;  // whether fields have numbers, once one was seen
};

}  // namespace

std::string percent_format(Budget& budget, std::string_view text, const Value& values) {
  return PercentFormat(budget, text, values).run();
}

std::string brace_format(Interpreter& interpreter, std::string_view text,
                         const Arguments& arguments) {
  return BraceFormat(interpreter, arguments).run(text, 0);
}

}  // namespace kilotoken::jinja
