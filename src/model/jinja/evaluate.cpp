#include "model/jinja/filters.h"
#include "model/jinja/interpreter.h"
#include "model/jinja/interpreter_parts.h"
#include "model/jinja/objects.h"
#include "model/jinja/print.h"

namespace kilotoken::jinja {

Value Interpreter::evaluate(const Expr& expr) {
  const Deeper deeper(*this);
  budget_.step();
  line_ = expr.line;
  switch (expr.kind) {
    case Expr::kConstant:
      return expr.constant;
    case Expr::kName:
      return evaluate_name(expr);
    case Expr::kList:
      return evaluate_list(expr, Sequence::kList);
    case Expr::kTuple:
      return evaluate_list(expr, Sequence::kTuple);
    case Expr::kDict:
      return evaluate_dict(expr);
    case Expr::kAttribute:
      return get_attribute(*this, evaluate(*expr.items[0]), expr.name);
    case Expr::kItem: {
      const Value value = evaluate(*expr.items[0]);
      return get_item(*this, value, evaluate(*expr.items[1]));
    }
    case Expr::kSlice:
      return evaluate_slice(expr);
    case Expr::kCall:
      return evaluate_call(expr);
    case Expr::kFilter:
      return evaluate_filter(expr, nullptr);
    case Expr::kTest:
      return evaluate_test(expr);
    case Expr::kNot:
      return Value(!evaluate(*expr.items[0]).truthy());
    case Expr::kNegative:
      return negative(evaluate(*expr.items[0]));
    case Expr::kPositive:
      return positive(evaluate(*expr.items[0]));
    case Expr::kBinary:
      return evaluate_binary(expr);
    case Expr::kConcat:
      return evaluate_concat(expr);
    case Expr::kCompare:
      return evaluate_compare(expr);
    case Expr::kAnd: {
      Value left = evaluate(*expr.items[0]);
      return left.truthy() ? evaluate(*expr.items[1]) : left;
    }
    case Expr::kOr: {
      Value left = evaluate(*expr.items[0]);
      return left.truthy() ? left : evaluate(*expr.items[1]);
    }
    case Expr::kConditional:
      return evaluate_conditional(expr);
  }
  return {};
}

Value Interpreter::evaluate_name(const Expr& expr) {
  if (const Value* found = scope_->find(expr.name)) return *found;
  for (const auto& [name, value] : variables_) {
    if (name.as_text()->bytes == expr.name) return value;
  }
  if (auto global = find_global(*this, expr.name)) return *global;
  return Value::undefined("'" + expr.name + "' is undefined");
}

Value Interpreter::evaluate_list(const Expr& expr, Sequence::Kind kind) {
  std::vector<Value> items;
  items.reserve(expr.items.size());
  for (const ExprPtr& item : expr.items) items.push_back(evaluate(*item));
  return Value::list(budget_, std::move(items), kind);
}

Value Interpreter::evaluate_dict(const Expr& expr) {
  Pairs pairs;
  for (size_t i = 0; i + 1 < expr.items.size(); i += 2) {
    Value key = evaluate(*expr.items[i]);
    set_key(budget_, pairs, std::move(key), evaluate(*expr.items[i + 1]));
  }
  return Value::dict(budget_, std::move(pairs));
}

Value Interpreter::evaluate_slice(const Expr& expr) {
  const Value value = evaluate(*expr.items[0]);
  Value bounds[3];
  for (size_t i = 0; i < 3; ++i) {
    if (expr.items[i + 1] != nullptr) bounds[i] = evaluate(*expr.items[i + 1]);
  }
  return get_slice(budget_, value, bounds[0], bounds[1], bounds[2]);
}

void Interpreter::evaluate_arguments(const CallArguments& written, Arguments& out) {
  for (const ExprPtr& item : written.positional) out.positional.push_back(evaluate(*item));
  for (const auto& item : written.named) {
    out.named.emplace_back(item.first, evaluate(*item.second));
  }
  if (written.more_positional != nullptr) {
    for (Value& item : iterate(budget_, evaluate(*written.more_positional))) {
      out.positional.push_back(std::move(item));
    }
  }
  if (written.more_named == nullptr) return;
  const Value more = evaluate(*written.more_named);
  if (more.as_dict() == nullptr) throw Raised("argument after ** must be a mapping");
  for (const auto& [key, value] : more.as_dict()->pairs) {
    if (key.as_text() == nullptr) throw Raised("keywords must be strings");
    out.named.emplace_back(key.as_text()->bytes, value);
  }
}

Value Interpreter::evaluate_call(const Expr& expr) {
  const Value callee = evaluate(*expr.items[0]);
  const Expr& written = *expr.items[0];
  Arguments arguments(written.name.empty() ? callee.type_name() : written.name);
  evaluate_arguments(expr.arguments, arguments);
  return call(callee, arguments);
}

Value Interpreter::call(const Value& callee, Arguments& arguments) {
  if (callee.is_undefined()) raise_undefined(callee);
  Object* object = callee.as_object();
  if (object == nullptr || !object->callable()) {
    throw Raised("'" + callee.type_name() + "' object is not callable");
  }
  return object->call(*this, arguments);
}

Value Interpreter::evaluate_filter(const Expr& expr, const Value* block_text) {
  const Deeper deeper(*this);
  Value value;
  if (expr.items[0] == nullptr) {
    value = *block_text;
  } else if (block_text != nullptr) {
    value = evaluate_filter(*expr.items[0], block_text);
  } else {
    value = evaluate(*expr.items[0]);
  }
  Arguments arguments(expr.name);
  evaluate_arguments(expr.arguments, arguments);
  return call_filter(*this, expr.name, value, arguments);
}

Value Interpreter::evaluate_test(const Expr& expr) {
  const Value value = evaluate(*expr.items[0]);
  Arguments arguments(expr.name);
  evaluate_arguments(expr.arguments, arguments);
  return Value(call_test(*this, expr.name, value, arguments));
}

Value Interpreter::evaluate_binary(const Expr& expr) {
  const Value left = evaluate(*expr.items[0]);
  const Value right = evaluate(*expr.items[1]);
  return binary(budget_, expr.op, left, right);
}

Value Interpreter::evaluate_concat(const Expr& expr) {
  std::string out;
  for (const ExprPtr& item : expr.items) {
    const std::string part = to_text(budget_, evaluate(*item));
    budget_.memory(part.size());
    out += part;
  }
  return text(std::move(out));
}

Value Interpreter::evaluate_compare(const Expr& expr) {
  Value left = evaluate(*expr.items[0]);
  for (size_t i = 0; i < expr.compare.size(); ++i) {
    Value right = evaluate(*expr.items[i + 1]);
    bool holds = false;
    switch (expr.compare[i]) {
      case CompareOp::kEqual:
        holds = equal(budget_, left, right);
        break;
      case CompareOp::kUnequal:
        holds = !equal(budget_, left, right);
        break;
      case CompareOp::kLess:
        holds = less(budget_, left, right);
        break;
      case CompareOp::kLessEqual:
        holds = less(budget_, left, right) || equal(budget_, left, right);
        break;
      case CompareOp::kGreater:
        holds = less(budget_, right, left);
        break;
      case CompareOp::kGreaterEqual:
        holds = less(budget_, right, left) || equal(budget_, left, right);
        break;
      case CompareOp::kIn:
        holds = contains(budget_, right, left);
        break;
      case CompareOp::kNotIn:
        holds = !contains(budget_, right, left);
        break;
    }
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Interpreter::evaluate_conditional(const Expr& expr) {
  if (evaluate(*expr.items[0]).truthy()) return evaluate(*expr.items[1]);
  if (expr.items[2] != nullptr) return evaluate(*expr.items[2]);
  return Value::undefined("the inline if-expression on line " + std::to_string(expr.line) +
                          " evaluated to false and no else section was defined.");
}

}  // namespace kilotoken::jinja
