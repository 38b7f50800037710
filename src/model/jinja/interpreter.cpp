#include "model/jinja/interpreter.h"

#include <algorithm>

#include "model/jinja/interpreter_parts.h"
#include "model/jinja/objects.h"
#include "model/jinja/print.h"

namespace kilotoken::jinja {

Interpreter::~Interpreter() {
  for (const auto& held : namespaces_) held->attributes.clear();
  for (const auto& scope : captured_scopes_) scope->names.clear();
}

std::string Interpreter::render(const Body& body) {
  std::string out;
  scope_ = std::make_shared<Scope>();
  out_ = &out;
  run(body);
  return out;
}

void Interpreter::write(std::string_view text) {
  budget_.output(text.size());
  *out_ += text;
}

Interpreter::Flow Interpreter::run(const Body& body) {
  for (const auto& statement : body) {
    if (const Flow flow = run(*statement); flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

Interpreter::Flow Interpreter::run(const Statement& statement) {
  const Deeper deeper(*this);
  budget_.step();
  line_ = statement.line;
  switch (statement.kind) {
    case Statement::kText:
      write(statement.text);
      break;
    case Statement::kOutput: {
      const Value value = evaluate(*statement.value);
      if (const Text* text = value.as_text()) {
        write(text->bytes);
      } else {
        write(to_text(budget_, value));
      }
      break;
    }
    case Statement::kIf:
      return run_if(statement);
    case Statement::kFor:
      run_loop(statement, evaluate(*statement.value), 0);
      break;
    case Statement::kSet:
      assign(*statement.target, evaluate(*statement.value));
      break;
    case Statement::kSetBlock:
      run_set_block(statement);
      break;
    case Statement::kMacro:
      run_macro(statement);
      break;
    case Statement::kCallBlock:
      run_call_block(statement);
      break;
    case Statement::kFilterBlock:
      run_filter_block(statement);
      break;
    case Statement::kWith:
      return run_with(statement);
    case Statement::kBreak:
      return Flow::kBreak;
    case Statement::kContinue:
      return Flow::kContinue;
  }
  return Flow::kOn;
}

Interpreter::Flow Interpreter::run_if(const Statement& statement) {
  for (const auto& branch : statement.branches) {
    if (evaluate(*branch.condition).truthy()) return run(branch.body);
  }
  return run(statement.otherwise);
}

Interpreter::Flow Interpreter::run_scoped(const Body& body) {
  const Within within(*this, scope_);
  return run(body);
}

std::vector<Value> Interpreter::loop_items(const Statement& statement, const Value& iterable) {
  std::vector<Value> items = iterate(budget_, iterable);
  if (statement.condition == nullptr) return items;
  std::vector<Value> kept;
  for (Value& item : items) {
    const Within within(*this, scope_);
    assign(*statement.target, item);
    if (evaluate(*statement.condition).truthy()) kept.push_back(std::move(item));
  }
  return kept;
}

Interpreter::Flow Interpreter::run_loop(const Statement& statement, const Value& iterable,
                                        int level) {
  auto loop = std::make_shared<Loop>();
  loop->statement = &statement;
  loop->items = loop_items(statement, iterable);
  loop->level = level;
  for (const Value& item : loop->items) {
    loop->items_depth = std::max(loop->items_depth, item.depth());
  }
  if (statement.recursive) {
    loop->around = scope_;
    captured_scopes_.push_back(scope_);
  }
  const Value held = Value::object(budget_, loop);
  changed_.erase(loop.get());
  bool none_finished = true;  // as in Jinja2, a turn left by break or continue does not count
  const std::shared_ptr<Scope> around = scope_;
  for (; loop->index < loop->items.size(); ++loop->index) {
    const Within within(*this, around);
    scope_->set("loop", held);
    assign(*statement.target, loop->items[loop->index]);
    const Flow flow = run(statement.body);
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kOn) none_finished = false;
  }
  changed_.erase(loop.get());
  if (none_finished) run_scoped(statement.otherwise);
  return Flow::kOn;
}

Value Interpreter::call_loop(const Loop& loop, const Value& iterable) {
  const Deeper deeper(*this);
  if (loop.around == nullptr) {
    throw Raised("The loop must have the 'recursive' marker to be called recursively.");
  }
  std::string out;
  {
    const Capture capture(*this, out);
    const Within within(*this, loop.around);
    run_loop(*loop.statement, iterable, loop.level + 1);
  }
  return text(std::move(out));
}

bool Interpreter::loop_changed(const Loop& loop, std::vector<Value> values) {
  const auto last = changed_.find(&loop);
  if (last != changed_.end()) {
    bool same = last->second.size() == values.size();
    for (size_t i = 0; same && i < values.size(); ++i) {
      same = equal(budget_, last->second[i], values[i]);
    }
    if (same) return false;
  }
  changed_[&loop] = std::move(values);
  return true;
}

void Interpreter::run_macro(const Statement& statement) {
  auto macro = std::make_shared<Macro>();
  macro->statement = &statement;
  macro->around = scope_;
  macro->name = statement.text;
  captured_scopes_.push_back(scope_);
  scope_->set(statement.text, Value::object(budget_, std::move(macro)));
}

void Interpreter::run_call_block(const Statement& statement) {
  auto caller = std::make_shared<Macro>();
  caller->statement = &statement;
  caller->around = scope_;
  caller->name = "caller";
  captured_scopes_.push_back(scope_);
  const Value callee = evaluate(*statement.value->items[0]);
  Arguments arguments(callee.type_name());
  evaluate_arguments(statement.value->arguments, arguments);
  arguments.named.emplace_back("caller", Value::object(budget_, std::move(caller)));
  write(to_text(budget_, call(callee, arguments)));
}

void Interpreter::run_set_block(const Statement& statement) {
  std::string out;
  {
    const Capture capture(*this, out);
    run_scoped(statement.body);
  }
  const Value held = text(std::move(out));
  assign(*statement.target,
         statement.value == nullptr ? held : evaluate_filter(*statement.value, &held));
}

void Interpreter::run_filter_block(const Statement& statement) {
  std::string out;
  {
    const Capture capture(*this, out);
    run_scoped(statement.body);
  }
  const Value held = text(std::move(out));
  write(to_text(budget_, evaluate_filter(*statement.value, &held)));
}

Interpreter::Flow Interpreter::run_with(const Statement& statement) {
  std::vector<Value> values;  // all of them see the names outside
  for (const auto& assignment : statement.assignments) {
    values.push_back(evaluate(*assignment.second));
  }
  const Within within(*this, scope_);
  for (size_t i = 0; i < values.size(); ++i) {
    assign(*statement.assignments[i].first, values[i]);
  }
  return run(statement.body);
}

void Interpreter::assign(const Expr& target, Value value) {
  if (target.kind == Expr::kName) {
    scope_->set(target.name, std::move(value));
    return;
  }
  if (target.kind == Expr::kAttribute) return assign_attribute(target, std::move(value));
  if (!is_iterable(value)) {
    throw Raised("cannot unpack non-iterable " + value.type_name() + " object");
  }
  const std::vector<Value> values = iterate(budget_, value);
  const std::string wanted = std::to_string(target.items.size());
  if (values.size() > target.items.size()) {
    throw Raised("too many values to unpack (expected " + wanted + ")");
  }
  if (values.size() < target.items.size()) {
    throw Raised("not enough values to unpack (expected " + wanted + ", got " +
                 std::to_string(values.size()) + ")");
  }
  for (size_t i = 0; i < values.size(); ++i) assign(*target.items[i], values[i]);
}

void Interpreter::assign_attribute(const Expr& target, Value value) {
  const Value held = evaluate(*target.items[0]);
  auto* space = dynamic_cast<Namespace*>(held.as_object());
  if (space == nullptr) throw Raised("cannot assign attribute on non-namespace object");
  space->set(budget_, target.name, std::move(value));
}

Value Interpreter::make_namespace(Pairs attributes) {
  auto space = std::make_shared<Namespace>();
  space->attributes = std::move(attributes);
  namespaces_.push_back(space);
  return Value::object(budget_, std::move(space));
}

Value Interpreter::call_macro(const Statement& macro, const std::shared_ptr<Scope>& around,
                              const std::string& name, Arguments& arguments) {
  const Deeper deeper(*this);
  const Signature& signature = macro.signature;
  std::string out;
  {
    const Within within(*this, around);
    const Capture capture(*this, out);
    const size_t required = signature.parameters.size() - signature.defaults.size();
    for (size_t i = 0; i < signature.parameters.size(); ++i) {
      const std::string& parameter = signature.parameters[i];
      if (auto given = arguments.take(parameter)) {
        scope_->set(parameter, *given);
      } else if (i >= required) {
        scope_->set(parameter, evaluate(*signature.defaults[i - required]));
      } else {
        scope_->set(parameter, Value::undefined("parameter '" + parameter + "' was not provided"));
      }
    }
    if (signature.uses_caller) {
      const auto given = std::find_if(arguments.named.begin(), arguments.named.end(),
                                      [](const auto& item) { return item.first == "caller"; });
      if (given == arguments.named.end()) {
        scope_->set("caller", Value::undefined("No caller defined"));
      } else {
        scope_->set("caller", given->second);
        arguments.named.erase(given);
      }
    }
    if (signature.uses_kwargs) {
      Pairs rest;
      for (auto& [key, value] : arguments.named) rest.emplace_back(text(key), value);
      arguments.named.clear();
      scope_->set("kwargs", Value::dict(budget_, std::move(rest)));
    }
    if (signature.uses_varargs) {
      auto& all = arguments.positional;
      const auto first =
          static_cast<std::ptrdiff_t>(std::min(signature.parameters.size(), all.size()));
      std::vector<Value> rest(all.begin() + first, all.end());
      all.resize(static_cast<size_t>(first));
      scope_->set("varargs", Value::list(budget_, std::move(rest), Sequence::kTuple));
    }
    if (arguments.positional.size() > signature.parameters.size()) {
      throw Raised("macro '" + name + "' takes not more than " +
                   std::to_string(signature.parameters.size()) + " argument(s)");
    }
    if (!arguments.named.empty()) {
      throw Raised("macro '" + name + "' takes no keyword argument '" +
                   arguments.named.front().first + "'");
    }
    run(macro.body);
  }
  return text(std::move(out));
}

}  // namespace kilotoken::jinja
