#include "model/jinja/print.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "model/jinja/object.h"
#include "model/jinja/operators.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

std::string hex_escape(std::string_view prefix, int digits, uint32_t number) {
  char buffer[16];
  const int size = std::snprintf(buffer, sizeof buffer, "%0*x", digits, number);
  return std::string(prefix).append(buffer, static_cast<size_t>(size));
}

class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}

  std::string take() { return std::move(out_); }

  void print(const Value& value) {
    budget_.step();
    if (value.is_none()) {
      out_ += "None";
    } else if (value.is_undefined()) {
      out_ += "Undefined";
    } else if (const bool* boolean = value.as_bool()) {
      out_ += *boolean ? "True" : "False";
    } else if (const int64_t* integer = value.as_integer()) {
      out_ += std::to_string(*integer);
    } else if (const double* real = value.as_real()) {
      out_ += repr_real(*real);
    } else if (const Text* text = value.as_text()) {
      budget_.memory(text->bytes.size());
      out_ += repr_text(text->bytes);
    } else if (const Dict* dict = value.as_dict()) {
      print_dict(*dict);
    } else if (const Sequence* sequence = value.as_sequence()) {
      print_sequence(*sequence);
    } else {
      out_ += value.as_object()->repr();
    }
  }

 private:
  void print_items(const Sequence& sequence) {
    bool first = true;
    for (const Value& item : sequence.items) {
      if (!first) out_ += ", ";
      first = false;
      print(item);
    }
  }

  void print_sequence(const Sequence& sequence) {
    switch (sequence.kind) {
      case Sequence::kTuple:
      case Sequence::kGroup:
        out_ += "(";
        print_items(sequence);
        out_ += sequence.items.size() == 1 ? ",)" : ")";
        return;
      case Sequence::kRange:
        out_ += "range(" + std::to_string(sequence.start) + ", " + std::to_string(sequence.stop);
        if (sequence.step != 1) out_ += ", " + std::to_string(sequence.step);
        out_ += ")";
        return;
      case Sequence::kGenerator:
        out_ += "<generator object>";
        return;
      case Sequence::kKeys:
        out_ += "dict_keys([";
        break;
      case Sequence::kValues:
        out_ += "dict_values([";
        break;
      case Sequence::kItems:
        out_ += "dict_items([";
        break;
      case Sequence::kList:
        out_ += "[";
        break;
    }
    print_items(sequence);
    out_ += sequence.kind == Sequence::kList ? "]" : "])";
  }

  void print_dict(const Dict& dict) {
    out_ += "{";
    bool first = true;
    for (const auto& [key, value] : dict.pairs) {
      if (!first) out_ += ", ";
      first = false;
      print(key);
      out_ += ": ";
      print(value);
    }
    out_ += "}";
  }

  Budget& budget_;
  std::string out_;
};

class JsonWriter {
 public:
  JsonWriter(Budget& budget, const JsonStyle& style) : budget_(budget), style_(style) {}

  std::string take() { return std::move(out_); }

  void write(const Value& value) {
    budget_.memory(16);
    if (const Text* text = value.as_text()) {
      write_text(text->bytes);
    } else if (const Dict* dict = value.as_dict()) {
      write_dict(*dict);
    } else if (value.is_sequence(Sequence::kList) || value.is_sequence(Sequence::kTuple) ||
               value.is_sequence(Sequence::kGroup)) {
      write_list(*value.as_sequence());
    } else if (const auto scalar = scalar_text(value)) {
      out_ += *scalar;
    } else {
      throw Raised("Object of type " + value.type_name() + " is not JSON serializable");
    }
  }

 private:
  static std::optional<std::string> scalar_text(const Value& value) {
    if (value.is_none()) return "null";
    if (const bool* boolean = value.as_bool()) return *boolean ? "true" : "false";
    if (const int64_t* integer = value.as_integer()) return std::to_string(*integer);
    if (const double* real = value.as_real()) {
      if (std::isnan(*real)) return "NaN";
      if (std::isinf(*real)) return *real < 0 ? "-Infinity" : "Infinity";
      return repr_real(*real);
    }
    return std::nullopt;
  }

  void write_text(std::string_view text) {
    budget_.memory(text.size());
    out_ += '"';
    while (!text.empty()) {
      int32_t number = -1;
      const std::string_view bytes = first_code_point(text, &number);
      text.remove_prefix(bytes.size());
      write_code_point(bytes, number);
    }
    out_ += '"';
  }

  void write_code_point(std::string_view bytes, int32_t number) {
    switch (number) {
      case '"':
        out_ += "\\\"";
        return;
      case '\\':
        out_ += "\\\\";
        return;
      case '\n':
        out_ += "\\n";
        return;
      case '\r':
        out_ += "\\r";
        return;
      case '\t':
        out_ += "\\t";
        return;
      case '\f':
        out_ += "\\f";
        return;
      case '\b':
        out_ += "\\b";
        return;
      default:
        break;
    }
    const auto code = static_cast<uint32_t>(number);
    if (number >= 0 && number < 0x20) {
      out_ += hex_escape("\\u", 4, code);
    } else if (style_.ensure_ascii && number > 0xffff) {
      out_ += hex_escape("\\u", 4, 0xd800 + ((code - 0x10000) >> 10));
      out_ += hex_escape("\\u", 4, 0xdc00 + ((code - 0x10000) & 0x3ff));
    } else if (style_.ensure_ascii && number > 0x7e) {
      out_ += hex_escape("\\u", 4, code);
    } else {
      out_ += bytes;
    }
  }

  void new_line() {
    if (!style_.indent) return;
    budget_.memory(style_.indent->size() * static_cast<size_t>(level_));
    out_ += '\n';
    for (int i = 0; i < level_; ++i) out_ += *style_.indent;
  }

  template <typename Items, typename Write>
  void write_container(char open, char close, const Items& items, Write write_item) {
    out_ += open;
    if (!items.empty()) {
      ++level_;
      bool first = true;
      for (const auto& item : items) {
        budget_.memory(style_.item_separator.size() + style_.key_separator.size());
        if (!first) out_ += style_.item_separator;
        first = false;
        new_line();
        write_item(item);
      }
      --level_;
      new_line();
    }
    out_ += close;
  }

  void write_list(const Sequence& list) {
    write_container('[', ']', list.items, [&](const Value& item) { write(item); });
  }

  void write_dict(const Dict& dict) {
    const auto write_pair = [&](const auto& pair) {
      write_key(pair.first);
      out_ += style_.key_separator;
      write(pair.second);
    };
    if (!style_.sort_keys) return write_container('{', '}', dict.pairs, write_pair);
    Pairs sorted = dict.pairs;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](const auto& a, const auto& b) { return less(budget_, a.first, b.first); });
    write_container('{', '}', sorted, write_pair);
  }

  void write_key(const Value& key) {
    if (const Text* text = key.as_text()) return write_text(text->bytes);
    const auto scalar = scalar_text(key);
    if (!scalar) {
      throw Raised("keys must be str, int, float, bool or None, not " + key.type_name());
    }
    write_text(*scalar);
  }

  Budget& budget_;
  const JsonStyle& style_;
  std::string out_;
  int level_ = 0;
};

}  // namespace

std::string repr_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<size_t>(end.ptr - buffer));
  const size_t e = text.find('e');
  const bool negative = text.front() == '-';
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  int exponent = 0;
  const size_t sign = text[e + 1] == '+' ? 2 : 1;  // from_chars takes no plus
  std::from_chars(text.data() + e + sign, text.data() + text.size(), exponent);
  std::string out = negative ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    const std::string power = std::to_string(std::abs(exponent));
    return out + (exponent < 0 ? "e-" : "e+") + (power.size() < 2 ? "0" : "") + power;
  }
  if (exponent < 0)
    return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string repr_text(std::string_view text) {
  const bool has_single = text.find('\'') != text.npos;
  const char quote = has_single && text.find('"') == text.npos ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    int32_t number = -1;
    const std::string_view bytes = first_code_point(text, &number);
    text.remove_prefix(bytes.size());
    const auto code = static_cast<uint32_t>(number);
    if (number == quote || number == '\\') {
      out += '\\';
      out += bytes;
    } else if (number == '\n') {
      out += "\\n";
    } else if (number == '\r') {
      out += "\\r";
    } else if (number == '\t') {
      out += "\\t";
    } else if (number < 0 || is_in(number, CharClass::kPrintable)) {
      out += bytes;
    } else if (number <= 0xff) {
      out += hex_escape("\\x", 2, code);
    } else if (number <= 0xffff) {
      out += hex_escape("\\u", 4, code);
    } else {
      out += hex_escape("\\U", 8, code);
    }
  }
  out += quote;
  return out;
}

std::string repr(Budget& budget, const Value& value) {
  Printer printer(budget);
  printer.print(value);
  std::string out = printer.take();
  budget.memory(out.size());
  return out;
}

std::string to_text(Budget& budget, const Value& value) {
  if (value.is_undefined()) return {};
  if (const Text* text = value.as_text()) {
    budget.scan(text->bytes.size());
    return text->bytes;
  }
  return repr(budget, value);
}

std::string to_json(Budget& budget, const Value& value, const JsonStyle& style) {
  JsonWriter writer(budget, style);
  writer.write(value);
  return writer.take();
}

}  // namespace kilotoken::jinja
