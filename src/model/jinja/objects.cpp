#include "model/jinja/objects.h"

#include <algorithm>

#include "model/jinja/interpreter.h"
#include "model/jinja/operators.h"

namespace kilotoken::jinja {

std::optional<Value> Arguments::take(std::string_view name) {
  const auto given = std::find_if(named.begin(), named.end(),
                                  [&](const auto& item) { return item.first == name; });
  const bool by_name = given != named.end();
  if (taken_ < positional.size()) {
    if (by_name) {
      throw Raised(callee_ + "() got multiple values for argument '" + std::string(name) + "'");
    }
    return positional[taken_++];
  }
  if (!by_name) return std::nullopt;
  Value value = std::move(given->second);
  named.erase(given);
  return value;
}

Value Arguments::need(std::string_view name) {
  auto value = take(name);
  if (!value) {
    throw Raised(callee_ + "() missing required argument '" + std::string(name) + "'");
  }
  return *value;
}

Value Arguments::get(std::string_view name, Value otherwise) {
  auto value = take(name);
  return value ? *value : std::move(otherwise);
}

std::string Arguments::need_text(std::string_view name) {
  const Value value = need(name);
  if (value.is_undefined()) raise_undefined(value);
  if (value.as_text() == nullptr) {
    throw Raised(callee_ + "() argument '" + std::string(name) + "' must be str, not " +
                 value.type_name());
  }
  return value.as_text()->bytes;
}

int64_t Arguments::get_whole(std::string_view name, int64_t otherwise) {
  const Value value = get(name, Value::integer(otherwise));
  if (value.is_undefined()) raise_undefined(value);
  const auto whole = value.whole();
  if (!whole) {
    throw Raised("'" + value.type_name() + "' object cannot be interpreted as an integer (" +
                 callee_ + "() argument '" + std::string(name) + "')");
  }
  return *whole;
}

void Arguments::finish() const {
  if (taken_ < positional.size()) {
    throw Raised(callee_ + "() takes at most " + std::to_string(taken_) + " arguments (" +
                 std::to_string(positional.size()) + " given)");
  }
  if (!named.empty()) {
    throw Raised(callee_ + "() got an unexpected keyword argument '" + named.front().first + "'");
  }
}

Value Object::call(Interpreter&, Arguments&) {
  throw Raised("'" + type_name() + "' object is not callable");
}

std::optional<Value> Object::attribute(Interpreter&, std::string_view) const {
  return std::nullopt;
}

std::optional<Value> Namespace::attribute(Interpreter&, std::string_view name) const {
  for (const auto& [key, value] : attributes) {
    if (key.as_text()->bytes == name) return value;
  }
  return std::nullopt;
}

void Namespace::set(Budget& budget, const std::string& name, Value value) {
  for (auto& [key, held] : attributes) {
    if (key.as_text()->bytes == name) {
      held = std::move(value);
      return;
    }
  }
  attributes.emplace_back(Value::text(budget, name), std::move(value));
}

Value Loop::call(Interpreter& interpreter, Arguments& arguments) {
  const Value iterable = arguments.need("iterable");
  arguments.finish();
  return interpreter.call_loop(*this, iterable);
}

namespace {

const Loop& loop_of(const Value& self) { return *static_cast<const Loop*>(self.as_object()); }

Value loop_cycle(Interpreter&, const Value& self, Arguments& arguments) {
  if (arguments.positional.empty()) throw Raised("no items for cycling given");
  return arguments.positional[loop_of(self).index % arguments.positional.size()];
}

Value loop_changed(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return Value(interpreter.loop_changed(loop_of(self), arguments.positional));
}

}  // namespace

std::optional<Value> Loop::attribute(Interpreter& interpreter, std::string_view name) const {
  const auto length = static_cast<int64_t>(items.size());
  const auto at = static_cast<int64_t>(index);
  if (name == "index") return Value::integer(at + 1);
  if (name == "index0") return Value::integer(at);
  if (name == "first") return Value(at == 0);
  if (name == "last") return Value(at + 1 == length);
  if (name == "length") return Value::integer(length);
  if (name == "revindex") return Value::integer(length - at);
  if (name == "revindex0") return Value::integer(length - at - 1);
  if (name == "depth") return Value::integer(level + 1);
  if (name == "depth0") return Value::integer(level);
  if (name == "previtem") {
    return at == 0 ? Value::undefined("there is no previous item") : items[index - 1];
  }
  if (name == "nextitem") {
    return at + 1 >= length ? Value::undefined("there is no next item") : items[index + 1];
  }
  if (name != "cycle" && name != "changed") return std::nullopt;
  auto self = std::const_pointer_cast<Object>(shared_from_this());
  return make_function(interpreter.budget(), name, name == "cycle" ? loop_cycle : loop_changed,
                       Value::object(interpreter.budget(), std::move(self)));
}

Value Macro::call(Interpreter& interpreter, Arguments& arguments) {
  return interpreter.call_macro(*statement, around, name, arguments);
}

std::optional<Value> Macro::attribute(Interpreter& interpreter, std::string_view wanted) const {
  const Signature& signature = statement->signature;
  if (wanted == "name") return interpreter.text(name);
  if (wanted == "catch_kwargs") return Value(signature.uses_kwargs);
  if (wanted == "catch_varargs") return Value(signature.uses_varargs);
  if (wanted == "caller") return Value(signature.uses_caller);
  if (wanted != "arguments") return std::nullopt;
  std::vector<Value> names;
  for (const std::string& parameter : signature.parameters) {
    names.push_back(interpreter.text(parameter));
  }
  return Value::list(interpreter.budget(), std::move(names), Sequence::kTuple);
}

Value Function::call(Interpreter& interpreter, Arguments& arguments) {
  if (!takes_names && !arguments.named.empty()) {
    throw Raised(self.type_name() + "." + name + "() takes no keyword arguments");
  }
  return body(interpreter, self, arguments);
}

Value make_function(Budget& budget, std::string_view name, Function::Body body, Value self) {
  auto function = std::make_shared<Function>();
  function->name = name;
  function->body = body;
  function->self = std::move(self);
  return Value::object(budget, std::move(function));
}

}  // namespace kilotoken::jinja
