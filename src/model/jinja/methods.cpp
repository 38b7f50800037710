#include "model/jinja/methods.h"

#include <algorithm>
#include <array>

#include "model/jinja/interpreter.h"
#include "model/jinja/objects.h"
#include "model/jinja/operators.h"
#include "model/jinja/text_methods.h"

namespace kilotoken::jinja {
namespace {

Value view(Interpreter& interpreter, const Value& self, Arguments& arguments, Sequence::Kind kind) {
  arguments.finish();
  Budget& budget = interpreter.budget();
  std::vector<Value> items;
  for (const auto& [key, value] : self.as_dict()->pairs) {
    if (kind == Sequence::kItems) {
      items.push_back(Value::list(budget, {key, value}, Sequence::kTuple));
    } else {
      items.push_back(kind == Sequence::kKeys ? key : value);
    }
  }
  return Value::list(budget, std::move(items), kind);
}

Value dict_items(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return view(interpreter, self, arguments, Sequence::kItems);
}

Value dict_keys(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return view(interpreter, self, arguments, Sequence::kKeys);
}

Value dict_values(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return view(interpreter, self, arguments, Sequence::kValues);
}

Value dict_get(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value key = arguments.need("key");
  const Value otherwise = arguments.get("default", {});
  arguments.finish();
  const Value* found = find_key(interpreter.budget(), *self.as_dict(), key);
  return found == nullptr ? otherwise : *found;
}

Value copy(Interpreter&, const Value& self, Arguments& arguments) {
  arguments.finish();
  return self;  // nothing can change it, or the copy
}

Value sequence_count(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value wanted = arguments.need("value");
  arguments.finish();
  int64_t count = 0;
  for (const Value& item : self.as_sequence()->items) {
    if (equal(interpreter.budget(), item, wanted)) ++count;
  }
  return Value::integer(count);
}

Value sequence_index(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value wanted = arguments.need("value");
  const Value start = arguments.get("start", {});
  const Value stop = arguments.get("stop", {});
  arguments.finish();
  Budget& budget = interpreter.budget();
  const auto& items = self.as_sequence()->items;
  for (const int64_t i :
       slice_indices(budget, static_cast<int64_t>(items.size()), start, stop, {})) {
    if (equal(budget, items[static_cast<size_t>(i)], wanted)) return Value::integer(i);
  }
  throw Raised("the value is not in the " + self.type_name());
}

// What would change its value: in the immutable sandbox there is no such attribute.
constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault",
                                                          "update"};
constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear",  "extend",  "insert",
                                                          "pop",    "remove", "reverse", "sort"};

template <typename Names>
std::optional<Value> refused_in(const Names& names, const Value& self, std::string_view name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) return std::nullopt;
  return Value::undefined("access to attribute '" + std::string(name) + "' of '" +
                          self.type_name() + "' object is unsafe.");
}

using Row = std::pair<std::string_view, Function::Body>;

constexpr std::array<Row, 5> kDictMethods = {{{"items", dict_items},
                                              {"keys", dict_keys},
                                              {"values", dict_values},
                                              {"get", dict_get},
                                              {"copy", copy}}};

constexpr std::array<Row, 2> kSequenceMethods = {
    {{"count", sequence_count}, {"index", sequence_index}}};

constexpr std::array<Row, 1> kListMethods = {{{"copy", copy}}};

template <typename Rows>
std::optional<Value> find_in(Budget& budget, const Rows& rows, const Value& self,
                             std::string_view name) {
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const auto& each) { return each.first == name; });
  if (row == rows.end()) return std::nullopt;
  return make_function(budget, name, row->second, self);
}

std::optional<Value> find_text_method(Budget& budget, const Value& self, std::string_view name) {
  for (const TextMethod& method : text_methods()) {
    if (method.name != name) continue;
    auto function = std::make_shared<Function>();
    function->name = name;
    function->body = method.body;
    function->self = self;
    function->takes_names = method.takes_names;
    return Value::object(budget, std::move(function));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Value> find_method(Budget& budget, const Value& value, std::string_view name) {
  if (value.as_text() != nullptr) return find_text_method(budget, value, name);
  if (value.as_dict() != nullptr) {
    if (auto refused = refused_in(kDictChanges, value, name)) return refused;
    return find_in(budget, kDictMethods, value, name);
  }
  const Sequence* sequence = value.as_sequence();
  if (sequence == nullptr) return std::nullopt;
  if (sequence->kind == Sequence::kGroup) {
    if (name == "grouper") return sequence->items[0];
    if (name == "list") return sequence->items[1];
  }
  const bool plain = sequence->kind == Sequence::kList || sequence->kind == Sequence::kTuple ||
                     sequence->kind == Sequence::kRange || sequence->kind == Sequence::kGroup;
  if (!plain) return std::nullopt;
  if (auto found = find_in(budget, kSequenceMethods, value, name)) return found;
  if (sequence->kind != Sequence::kList) return std::nullopt;
  if (auto refused = refused_in(kListChanges, value, name)) return refused;
  return find_in(budget, kListMethods, value, name);
}

}  // namespace kilotoken::jinja
