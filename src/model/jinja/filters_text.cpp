#include <cctype>

#include "model/jinja/filters.h"
#include "model/jinja/format.h"
#include "model/jinja/interpreter.h"
#include "model/jinja/operators.h"
#include "model/jinja/print.h"
#include "model/jinja/text_methods.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

template <std::string (*kChange)(std::string_view)>
Value changed(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  arguments.finish();
  const std::string text = to_text(interpreter.budget(), value);
  interpreter.budget().walk(text.size());
  return interpreter.text(kChange(text));
}

std::string same(std::string_view text) { return std::string(text); }

// Jinja2's own rule for words, which is not str.title()'s.
std::string title_words(std::string_view text) {
  std::string out;
  bool begins = true;
  while (!text.empty()) {
    int32_t number = -1;
    const std::string_view bytes = first_code_point(text, &number);
    const bool separates = is_python_space(number) || number == '-' || number == '(' ||
                           number == '{' || number == '[' || number == '<';
    out += begins ? upper(bytes) : lower(bytes);
    begins = separates;
    text.remove_prefix(bytes.size());
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Value trim(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const Value chars = arguments.get("chars", {});
  arguments.finish();
  const std::string text = to_text(interpreter.budget(), value);
  return interpreter.text(std::string(strip_chars(interpreter.budget(), text, chars, true, true)));
}

Value replace(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  Budget& budget = interpreter.budget();
  const std::string from = to_text(budget, arguments.need("old"));
  const std::string to = to_text(budget, arguments.need("new"));
  const Value count = arguments.get("count", {});
  arguments.finish();
  const int64_t most = count.is_none() ? -1 : count.whole().value_or(-1);
  return interpreter.text(replaced(budget, to_text(budget, value), from, to, most));
}

Value center(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const int64_t width = arguments.get_whole("width", 80);
  arguments.finish();
  const std::string text = to_text(interpreter.budget(), value);
  return interpreter.text(padded(interpreter.budget(), text, width, " ", Side::kCenter));
}

Value indent(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  Budget& budget = interpreter.budget();
  const Value width = arguments.get("width", Value::integer(4));
  const bool first = arguments.get("first", Value(false)).truthy();
  const bool blank = arguments.get("blank", Value(false)).truthy();
  arguments.finish();
  if (value.is_undefined()) raise_undefined(value);
  if (value.as_text() == nullptr) {
    throw Raised("unsupported operand type(s) for +=: '" + value.type_name() + "' and 'str'");
  }
  std::string prefix;
  if (width.as_text() != nullptr) {
    prefix = width.as_text()->bytes;
  } else if (width.whole()) {
    prefix = padded(budget, "", *width.whole(), " ", Side::kLeft);
  } else {
    throw Raised("indent() argument 'width' must be int or str");
  }
  budget.walk(value.as_text()->bytes.size());
  const std::string text = value.as_text()->bytes + "\n";  // so that a last empty line counts
  std::string out = first ? prefix : "";
  bool begins = true;
  for (const std::string_view line : split_lines(text, false)) {
    budget.memory(prefix.size() + line.size() + 1);
    if (!begins) out += "\n";
    if (!begins && (blank || !line.empty())) out += prefix;
    begins = false;
    out += line;
  }
  return interpreter.text(std::move(out));
}

Value truncate(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const int64_t length = arguments.get_whole("length", 255);
  const bool kill_words = arguments.get("killwords", Value(false)).truthy();
  const Value end = arguments.get("end", interpreter.text("..."));
  const Value leeway = arguments.get("leeway", {});
  arguments.finish();
  if (value.as_text() == nullptr) {
    throw Raised("object of type '" + value.type_name() + "' cannot be truncated");
  }
  if (end.as_text() == nullptr) throw Raised("truncate() argument 'end' must be str");
  const Text& text = *value.as_text();
  const int64_t slack = leeway.is_none() ? 5 : leeway.whole().value_or(-1);
  if (length < end.as_text()->length) throw Raised("truncate: length is shorter than end");
  if (slack < 0) throw Raised("truncate: leeway must not be negative");
  if (text.length <= length || text.length - length <= slack) return value;
  interpreter.budget().scan(text.bytes.size());
  std::string out = text.bytes.substr(0, offset_of(text.bytes, length - end.as_text()->length));
  if (!kill_words) out = out.substr(0, out.rfind(' '));
  return interpreter.text(out + end.as_text()->bytes);
}

Value word_count(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  arguments.finish();
  const std::string text = to_text(interpreter.budget(), value);
  interpreter.budget().walk(text.size());
  int64_t words = 0;
  bool in_word = false;
  for (std::string_view rest = text; !rest.empty();) {
    int32_t number = -1;
    rest.remove_prefix(first_code_point(rest, &number).size());
    const bool word = is_in(number, CharClass::kWord);
    if (word && !in_word) ++words;
    in_word = word;
  }
  return Value::integer(words);
}

std::string quoted(Budget& budget, std::string_view text, bool query) {
  constexpr char kHex[] = "0123456789ABCDEF";
  budget.memory(3 * text.size());
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 ||
                                       std::string_view("_.-~").find(c) != std::string_view::npos);
    if (plain || (c == '/' && !query)) {
      out += c;
    } else if (c == ' ' && query) {
      out += '+';
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Value url_encode(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  arguments.finish();
  Budget& budget = interpreter.budget();
  if (value.as_text() != nullptr || !is_iterable(value)) {
    return interpreter.text(quoted(budget, to_text(budget, value), false));
  }
  Pairs pairs;
  if (const Dict* dict = value.as_dict()) {
    pairs = dict->pairs;
  } else {
    for (const Value& item : iterate(budget, value)) {
      const std::vector<Value> pair = iterate(budget, item);
      if (pair.size() != 2) throw Raised("not enough values to unpack (expected 2)");
      pairs.emplace_back(pair[0], pair[1]);
    }
  }
  std::string out;
  for (const auto& [key, held] : pairs) {
    if (!out.empty()) out += "&";
    out += quoted(budget, to_text(budget, key), true) + "=" +
           quoted(budget, to_text(budget, held), true);
  }
  return interpreter.text(std::move(out));
}

Value format(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  Budget& budget = interpreter.budget();
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    throw Raised("can't handle positional and keyword arguments at the same time");
  }
  Value values;
  if (arguments.named.empty()) {
    values = Value::list(budget, arguments.positional, Sequence::kTuple);
  } else {
    Pairs pairs;
    for (const auto& [name, held] : arguments.named) {
      pairs.emplace_back(interpreter.text(name), held);
    }
    values = Value::dict(budget, std::move(pairs));
  }
  return interpreter.text(percent_format(budget, to_text(budget, value), values));
}

// As transformers overrides it: json.dumps, with nothing escaped for HTML.
Value to_json_filter(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  Budget& budget = interpreter.budget();
  JsonStyle style;
  style.ensure_ascii = arguments.get("ensure_ascii", Value(false)).truthy();
  const Value indent = arguments.get("indent", {});
  const Value separators = arguments.get("separators", {});
  style.sort_keys = arguments.get("sort_keys", Value(false)).truthy();
  arguments.finish();
  if (indent.as_text() != nullptr) {
    style.indent = indent.as_text()->bytes;
  } else if (indent.whole()) {
    style.indent = padded(budget, "", *indent.whole(), " ", Side::kLeft);
  } else if (!indent.is_none()) {
    throw Raised("tojson: indent must be int, str or none, not " + indent.type_name());
  }
  if (style.indent) style.item_separator = ",";
  if (!separators.is_none()) {
    const std::vector<Value> pair = iterate(budget, separators);
    if (pair.size() != 2 || pair[0].as_text() == nullptr || pair[1].as_text() == nullptr) {
      throw Raised("tojson: separators must be two strings");
    }
    style.item_separator = pair[0].as_text()->bytes;
    style.key_separator = pair[1].as_text()->bytes;
  }
  return interpreter.text(to_json(budget, value, style));
}

}  // namespace

const std::vector<FilterRow>& text_filters() {
  static const std::vector<FilterRow> kFilters = {
      {"upper", changed<upper>},
      {"lower", changed<lower>},
      {"capitalize", changed<capitalize>},
      {"title", changed<title_words>},
      {"string", changed<same>},
      {"safe", changed<same>},
      {"escape", changed<escaped>},
      {"e", changed<escaped>},
      {"forceescape", changed<escaped>},
      {"trim", trim},
      {"replace", replace},
      {"center", center},
      {"indent", indent},
      {"truncate", truncate},
      {"wordcount", word_count},
      {"urlencode", url_encode},
      {"format", format},
      {"tojson", to_json_filter},
  };
  return kFilters;
}

}  // namespace kilotoken::jinja
