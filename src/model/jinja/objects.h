#pragma once
// The objects that statements make: `loop`, macros and namespaces.

#include <memory>
#include <string>
#include <vector>

#include "model/jinja/ast.h"
#include "model/jinja/object.h"
#include "model/jinja/scope.h"

namespace kilotoken::jinja {

struct Namespace : Object {
  Pairs attributes;

  std::string type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(Interpreter& interpreter, std::string_view name) const override;
  void set(Budget& budget, const std::string& name, Value value);
};

struct Loop : Object {
  const Statement* statement = nullptr;
  std::shared_ptr<Scope> around;  // of a recursive loop: where its body is run again
  std::vector<Value> items;
  size_t index = 0;
  int level = 0;  // of recursion
  int items_depth = 0;

  std::string type_name() const override { return "LoopContext"; }
  std::string repr() const override {
    return "<LoopContext " + std::to_string(index + 1) + "/" + std::to_string(items.size()) + ">";
  }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, Arguments& arguments) override;
  std::optional<Value> attribute(Interpreter& interpreter, std::string_view name) const override;
  int depth() const override { return items_depth + 1; }
};

struct Macro : Object {
  const Statement* statement = nullptr;
  std::shared_ptr<Scope> around;
  std::string name;

  std::string type_name() const override { return "Macro"; }
  std::string repr() const override { return "<Macro '" + name + "'>"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, Arguments& arguments) override;
  std::optional<Value> attribute(Interpreter& interpreter, std::string_view name) const override;
};

// A function of the room with a value that it belongs to, if any.
struct Function : Object {
  using Body = Value (*)(Interpreter&, const Value& self, Arguments&);
  std::string name;
  Value self;
  Body body = nullptr;
  bool takes_names = true;  // of parameters

  std::string type_name() const override { return "builtin_function_or_method"; }
  std::string repr() const override { return "<function " + name + ">"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, Arguments& arguments) override;
  int depth() const override { return self.depth() + 1; }
};
Value make_function(Budget& budget, std::string_view name, Function::Body body, Value self = {});

// range, dict, namespace, cycler, joiner, raise_exception and strftime_now; nothing for other
// names.
std::optional<Value> find_global(Interpreter& interpreter, std::string_view name);

}  // namespace kilotoken::jinja
