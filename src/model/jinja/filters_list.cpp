#include <algorithm>

#include "model/jinja/attribute_path.h"
#include "model/jinja/filters.h"
#include "model/jinja/interpreter.h"
#include "model/jinja/operators.h"
#include "model/jinja/print.h"
#include "model/jinja/text_methods.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {

AttributePath::AttributePath(Interpreter& interpreter, const Value& attribute) {
  if (attribute.is_none()) return;
  if (attribute.as_text() == nullptr) {
    parts_.push_back(attribute);
    return;
  }
  std::string_view rest = attribute.as_text()->bytes;
  for (bool more = true; more;) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    const bool digits = !part.empty() && part.size() < 10 &&
                        part.find_first_not_of("0123456789") == std::string_view::npos;
    parts_.push_back(digits ? Value::integer(std::stoi(std::string(part)))
                            : interpreter.text(std::string(part)));
    more = dot < rest.size();
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
}

Value AttributePath::of(Interpreter& interpreter, const Value& item, const Value& otherwise) const {
  Value out = item;
  for (const Value& part : parts_) {
    out = get_item(interpreter, out, part);
    if (out.is_undefined() && !otherwise.is_none()) out = otherwise;
  }
  return out;
}

Value without_case(Interpreter& interpreter, const Value& value) {
  if (value.as_text() == nullptr) return value;
  interpreter.budget().scan(value.as_text()->bytes.size());
  return interpreter.text(lower(value.as_text()->bytes));
}

void sort_by_key(Interpreter& interpreter, std::vector<Keyed>& items, bool reverse) {
  Budget& budget = interpreter.budget();
  std::stable_sort(items.begin(), items.end(), [&](const Keyed& a, const Keyed& b) {
    return reverse ? less(budget, b.key, a.key) : less(budget, a.key, b.key);
  });
}

namespace {

Value make_list(Interpreter& interpreter, std::vector<Value> items,
                Sequence::Kind kind = Sequence::kList) {
  return Value::list(interpreter.budget(), std::move(items), kind);
}

Value length(Interpreter&, const Value& value, Arguments& arguments) {
  arguments.finish();
  const auto length = length_of(value);
  if (!length) throw Raised("object of type '" + value.type_name() + "' has no len()");
  return Value::integer(*length);
}

Value first(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  arguments.finish();
  const Sequence* sequence = value.as_sequence();
  if (sequence != nullptr && sequence->kind == Sequence::kGenerator) {
    if (sequence->read < sequence->items.size()) return sequence->items[sequence->read++];
  } else if (sequence != nullptr) {
    if (!sequence->items.empty()) return sequence->items.front();
  } else if (const Text* text = value.as_text()) {
    if (!text->bytes.empty()) return interpreter.text(std::string(first_code_point(text->bytes)));
  } else {
    const std::vector<Value> items = iterate(interpreter.budget(), value);
    if (!items.empty()) return items.front();
  }
  return Value::undefined("No first item, sequence was empty.");
}

void check_reversible(const Value& value) {
  if (!is_iterable(value) || value.is_sequence(Sequence::kGenerator)) {
    throw Raised("'" + value.type_name() + "' object is not reversible");
  }
}

Value last(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  arguments.finish();
  check_reversible(value);
  if (value.as_sequence() != nullptr && !value.as_sequence()->items.empty()) {
    return value.as_sequence()->items.back();
  }
  const std::vector<Value> items = iterate(interpreter.budget(), value);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value reverse(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  arguments.finish();
  std::vector<Value> items = iterate(interpreter.budget(), value);
  std::reverse(items.begin(), items.end());
  if (value.as_text() != nullptr) {
    std::string out;
    for (const Value& item : items) out += item.as_text()->bytes;
    return interpreter.text(std::move(out));
  }
  const bool lazy = !value.is_sequence(Sequence::kGenerator);
  return make_list(interpreter, std::move(items), lazy ? Sequence::kGenerator : Sequence::kList);
}

Value to_list(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  arguments.finish();
  return make_list(interpreter, iterate(interpreter.budget(), value));
}

Value join(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  Budget& budget = interpreter.budget();
  const std::string separator = to_text(budget, arguments.get("d", interpreter.text("")));
  const AttributePath path(interpreter, arguments.get("attribute", {}));
  arguments.finish();
  std::vector<std::string> parts;
  for (const Value& item : iterate(budget, value)) {
    parts.push_back(to_text(budget, path.of(interpreter, item)));
    budget.memory(parts.back().size());
  }
  return interpreter.text(joined(budget, separator, parts));
}

// The key of sort: one attribute, or several with commas between, each with or without case.
Value sort_key(Interpreter& interpreter, const std::vector<AttributePath>& paths, const Value& item,
               bool case_sensitive) {
  std::vector<Value> keys;
  for (const AttributePath& path : paths) {
    Value key = path.of(interpreter, item);
    keys.push_back(case_sensitive ? key : without_case(interpreter, key));
  }
  return make_list(interpreter, std::move(keys));  // in a list, equals need no order
}

Value sort(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const bool backwards = arguments.get("reverse", Value(false)).truthy();
  const bool case_sensitive = arguments.get("case_sensitive", Value(false)).truthy();
  const Value attribute = arguments.get("attribute", {});
  arguments.finish();
  std::vector<AttributePath> paths;
  if (const Text* text = attribute.as_text()) {
    for (std::string_view rest = text->bytes;;) {
      const size_t comma = std::min(rest.find(','), rest.size());
      paths.emplace_back(interpreter, interpreter.text(std::string(rest.substr(0, comma))));
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  } else {
    paths.emplace_back(interpreter, attribute);
  }
  std::vector<Keyed> keyed;
  for (Value& item : iterate(interpreter.budget(), value)) {
    Value key = sort_key(interpreter, paths, item, case_sensitive);
    keyed.push_back({std::move(key), std::move(item)});
  }
  sort_by_key(interpreter, keyed, backwards);
  std::vector<Value> out;
  for (Keyed& each : keyed) out.push_back(std::move(each.item));
  return make_list(interpreter, std::move(out));
}

Value unique(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  Budget& budget = interpreter.budget();
  const bool case_sensitive = arguments.get("case_sensitive", Value(false)).truthy();
  const AttributePath path(interpreter, arguments.get("attribute", {}));
  arguments.finish();
  Pairs seen;
  std::vector<Value> out;
  for (const Value& item : iterate(budget, value)) {
    Value key = path.of(interpreter, item);
    if (!case_sensitive) key = without_case(interpreter, key);
    const size_t before = seen.size();
    set_key(budget, seen, std::move(key), {});
    if (seen.size() > before) out.push_back(item);
  }
  return make_list(interpreter, std::move(out), Sequence::kGenerator);
}

Value group_by(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  Budget& budget = interpreter.budget();
  const AttributePath path(interpreter, arguments.need("attribute"));
  const Value otherwise = arguments.get("default", {});
  const bool case_sensitive = arguments.get("case_sensitive", Value(false)).truthy();
  arguments.finish();
  std::vector<Keyed> keyed;
  for (const Value& item : iterate(budget, value)) {
    Value key = path.of(interpreter, item, otherwise);
    keyed.push_back({case_sensitive ? key : without_case(interpreter, key), item});
  }
  sort_by_key(interpreter, keyed, false);
  std::vector<Value> groups;
  for (size_t begin = 0, end = 0; begin < keyed.size(); begin = end) {
    std::vector<Value> items;
    for (; end < keyed.size() && equal(budget, keyed[begin].key, keyed[end].key); ++end) {
      items.push_back(keyed[end].item);
    }
    if (end == begin) ++end;  // a key that does not equal itself: not a number
    Value name = path.of(interpreter, keyed[begin].item, otherwise);
    std::vector<Value> group = {std::move(name), make_list(interpreter, std::move(items))};
    groups.push_back(make_list(interpreter, std::move(group), Sequence::kGroup));
  }
  return make_list(interpreter, std::move(groups));
}

Value pairs_list(Interpreter& interpreter, const Pairs& pairs, Sequence::Kind kind) {
  std::vector<Value> out;
  for (const auto& [key, held] : pairs) {
    out.push_back(Value::list(interpreter.budget(), {key, held}, Sequence::kTuple));
  }
  return make_list(interpreter, std::move(out), kind);
}

Value items(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  arguments.finish();
  if (value.is_undefined()) return make_list(interpreter, {}, Sequence::kGenerator);
  if (value.as_dict() == nullptr) throw Raised("Can only get item pairs from a mapping.");
  return pairs_list(interpreter, value.as_dict()->pairs, Sequence::kGenerator);
}

Value dict_sort(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const bool case_sensitive = arguments.get("case_sensitive", Value(false)).truthy();
  const Value by = arguments.get("by", interpreter.text("key"));
  const bool backwards = arguments.get("reverse", Value(false)).truthy();
  arguments.finish();
  if (value.is_undefined()) raise_undefined(value);
  if (value.as_dict() == nullptr) {
    throw Raised("'" + value.type_name() + "' object has no attribute 'items'");
  }
  const bool by_key = by.as_text() != nullptr && by.as_text()->bytes == "key";
  if (!by_key && (by.as_text() == nullptr || by.as_text()->bytes != "value")) {
    throw Raised("You can only sort by either 'key' or 'value'");
  }
  std::vector<Keyed> keyed;
  for (const auto& [key, held] : value.as_dict()->pairs) {
    const Value& chosen = by_key ? key : held;
    keyed.push_back({case_sensitive ? chosen : without_case(interpreter, chosen),
                     Value::list(interpreter.budget(), {key, held}, Sequence::kTuple)});
  }
  sort_by_key(interpreter, keyed, backwards);
  std::vector<Value> out;
  for (Keyed& each : keyed) out.push_back(std::move(each.item));
  return make_list(interpreter, std::move(out));
}

Value batch(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const int64_t count = arguments.get_whole("linecount", 0);
  const Value fill = arguments.get("fill_with", {});
  arguments.finish();
  std::vector<Value> out;
  std::vector<Value> row;
  for (Value& item : iterate(interpreter.budget(), value)) {
    if (static_cast<int64_t>(row.size()) == count) {
      out.push_back(make_list(interpreter, std::move(row)));
      row.clear();
    }
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    while (!fill.is_none() && static_cast<int64_t>(row.size()) < count) {
      interpreter.budget().memory(sizeof(Value));
      row.push_back(fill);
    }
    out.push_back(make_list(interpreter, std::move(row)));
  }
  return make_list(interpreter, std::move(out), Sequence::kGenerator);
}

Value slice(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const int64_t slices = arguments.get_whole("slices", 0);
  const Value fill = arguments.get("fill_with", {});
  arguments.finish();
  if (slices <= 0) throw Raised("integer division or modulo by zero");
  const std::vector<Value> all = iterate(interpreter.budget(), value);
  const auto total = static_cast<int64_t>(all.size());
  const int64_t each = total / slices;
  const int64_t longer = total % slices;
  std::vector<Value> out;
  for (int64_t i = 0, at = 0; i < slices; ++i) {
    const int64_t end = at + each + (i < longer ? 1 : 0);
    std::vector<Value> part(all.begin() + at, all.begin() + end);
    if (!fill.is_none() && i >= longer) part.push_back(fill);
    out.push_back(make_list(interpreter, std::move(part)));
    at = end;
  }
  return make_list(interpreter, std::move(out), Sequence::kGenerator);
}

Value default_value(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const Value otherwise = arguments.get("default_value", interpreter.text(""));
  const bool any_false = arguments.get("boolean", Value(false)).truthy();
  arguments.finish();
  return value.is_undefined() || (any_false && !value.truthy()) ? otherwise : value;
}

}  // namespace

const std::vector<FilterRow>& list_filters() {
  static const std::vector<FilterRow> kFilters = {
      {"length", length},    {"count", length},    {"first", first},
      {"last", last},        {"reverse", reverse}, {"list", to_list},
      {"join", join},        {"sort", sort},       {"unique", unique},
      {"groupby", group_by}, {"items", items},     {"dictsort", dict_sort},
      {"batch", batch},      {"slice", slice},     {"default", default_value},
      {"d", default_value},
  };
  return kFilters;
}

}  // namespace kilotoken::jinja
