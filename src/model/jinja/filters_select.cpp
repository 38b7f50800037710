// Filters that go through a list with another filter or a test: map, select and their like.

#include "model/jinja/attribute_path.h"
#include "model/jinja/filters.h"
#include "model/jinja/interpreter.h"
#include "model/jinja/operators.h"

namespace kilotoken::jinja {
namespace {

Value generator(Interpreter& interpreter, std::vector<Value> items) {
  return Value::list(interpreter.budget(), std::move(items), Sequence::kGenerator);
}

// The name of a filter or test, then what is left for it.
std::string take_name(Arguments& arguments, std::string_view what) {
  if (arguments.positional.empty()) {
    throw Raised(arguments.callee() + " requires a " + std::string(what));
  }
  const Value name = arguments.positional.front();
  arguments.positional.erase(arguments.positional.begin());
  if (name.as_text() == nullptr) {
    throw Raised(arguments.callee() + ": the name of a " + std::string(what) + " must be a string");
  }
  return name.as_text()->bytes;
}

Arguments passed_on(const std::string& name, const Arguments& arguments) {
  Arguments out(name);
  out.positional = arguments.positional;
  out.named = arguments.named;
  return out;
}

Value map(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  std::vector<Value> out;
  const bool by_attribute =
      arguments.positional.empty() && !arguments.named.empty() &&
      (arguments.named.front().first == "attribute" || arguments.named.back().first == "attribute");
  if (by_attribute) {
    const AttributePath path(interpreter, arguments.need("attribute"));
    const Value otherwise = arguments.get("default", {});
    arguments.finish();
    for (const Value& item : iterate(interpreter.budget(), value)) {
      out.push_back(path.of(interpreter, item, otherwise));
    }
    return generator(interpreter, std::move(out));
  }
  const std::string name = take_name(arguments, "filter");
  for (const Value& item : iterate(interpreter.budget(), value)) {
    Arguments each = passed_on(name, arguments);
    out.push_back(call_filter(interpreter, name, item, each));
  }
  return generator(interpreter, std::move(out));
}

Value selected(Interpreter& interpreter, const Value& value, Arguments& arguments, bool wanted,
               bool by_attribute) {
  Value attribute;
  if (by_attribute) {
    if (arguments.positional.empty()) throw Raised("Missing parameter for attribute name");
    attribute = arguments.positional.front();
    arguments.positional.erase(arguments.positional.begin());
  }
  const AttributePath path(interpreter, attribute);
  const bool tested = !arguments.positional.empty();
  const std::string test = tested ? take_name(arguments, "test") : "";
  std::vector<Value> out;
  for (const Value& item : iterate(interpreter.budget(), value)) {
    const Value looked_at = path.of(interpreter, item);
    bool holds = looked_at.truthy();
    if (tested) {
      Arguments each = passed_on(test, arguments);
      holds = call_test(interpreter, test, looked_at, each);
    }
    if (holds == wanted) out.push_back(item);
  }
  return generator(interpreter, std::move(out));
}

template <bool kWanted, bool kByAttribute>
Value select(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return selected(interpreter, value, arguments, kWanted, kByAttribute);
}

Value attribute_only(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const std::string name = arguments.need_text("name");
  arguments.finish();
  if (value.as_dict() != nullptr) {  // of a dict: its methods, never its items
    const Value bare = Value::dict(interpreter.budget(), {});
    if (get_attribute(interpreter, bare, name).is_undefined()) {
      return get_attribute(interpreter, bare, name);
    }
  }
  return get_attribute(interpreter, value, name);
}

Value sum(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const AttributePath path(interpreter, arguments.get("attribute", {}));
  Value total = arguments.get("start", Value::integer(0));
  arguments.finish();
  for (const Value& item : iterate(interpreter.budget(), value)) {
    const Value each = path.of(interpreter, item);
    if (total.as_text() != nullptr)
      throw Raised("sum() can't sum strings [use ''.join(seq) instead]");
    total = binary(interpreter.budget(), BinaryOp::kAdd, total, each);
  }
  return total;
}

template <bool kLargest>
Value extreme(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const bool case_sensitive = arguments.get("case_sensitive", Value(false)).truthy();
  const AttributePath path(interpreter, arguments.get("attribute", {}));
  arguments.finish();
  Value best = Value::undefined("No aggregated item, sequence was empty.");
  Value best_key;
  bool any = false;
  for (const Value& item : iterate(interpreter.budget(), value)) {
    Value key = path.of(interpreter, item);
    if (!case_sensitive) key = without_case(interpreter, key);
    const bool better = !any || (kLargest ? less(interpreter.budget(), best_key, key)
                                          : less(interpreter.budget(), key, best_key));
    if (!better) continue;
    any = true;
    best = item;
    best_key = std::move(key);
  }
  return best;
}

}  // namespace

const std::vector<FilterRow>& selecting_filters() {
  static const std::vector<FilterRow> kFilters = {
      {"map", map},
      {"select", select<true, false>},
      {"reject", select<false, false>},
      {"selectattr", select<true, true>},
      {"rejectattr", select<false, true>},
      {"attr", attribute_only},
      {"sum", sum},
      {"min", extreme<false>},
      {"max", extreme<true>},
  };
  return kFilters;
}

}  // namespace kilotoken::jinja
