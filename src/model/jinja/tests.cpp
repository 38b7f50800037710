#include <algorithm>

#include "model/jinja/filters.h"
#include "model/jinja/interpreter.h"
#include "model/jinja/operators.h"
#include "model/jinja/print.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

using Test = bool (*)(Interpreter&, const Value&, Arguments&);

bool is_number(const Value& value) { return value.number().has_value(); }

bool is_sequence(const Value& value) {
  if (value.as_sequence() != nullptr) {
    const Sequence::Kind kind = value.as_sequence()->kind;
    return kind == Sequence::kList || kind == Sequence::kTuple || kind == Sequence::kRange ||
           kind == Sequence::kGroup;
  }
  return value.as_text() != nullptr || value.as_dict() != nullptr || value.is_undefined();
}

// Tests that look at the value alone.
struct PlainRow {
  std::string_view name;
  bool (*holds)(const Value&);
};
constexpr PlainRow kPlain[] = {
    {"defined", [](const Value& v) { return !v.is_undefined(); }},
    {"undefined", [](const Value& v) { return v.is_undefined(); }},
    {"none", [](const Value& v) { return v.is_none(); }},
    {"boolean", [](const Value& v) { return v.as_bool() != nullptr; }},
    {"true", [](const Value& v) { return v.as_bool() != nullptr && *v.as_bool(); }},
    {"false", [](const Value& v) { return v.as_bool() != nullptr && !*v.as_bool(); }},
    {"integer", [](const Value& v) { return v.as_integer() != nullptr; }},
    {"float", [](const Value& v) { return v.as_real() != nullptr; }},
    {"number", is_number},
    {"string", [](const Value& v) { return v.as_text() != nullptr; }},
    {"mapping", [](const Value& v) { return v.as_dict() != nullptr; }},
    {"sequence", is_sequence},
    {"iterable", is_iterable},
    {"callable",
     [](const Value& v) {
       return v.is_undefined() || (v.as_object() != nullptr && v.as_object()->callable());
     }},
    {"escaped", [](const Value&) { return false; }},
};

int64_t remainder(Interpreter& interpreter, const Value& value, const Value& by) {
  const Value rest = binary(interpreter.budget(), BinaryOp::kModulo, value, by);
  if (const double* real = rest.as_real()) return *real == 0 ? 0 : *real == 1 ? 1 : 2;
  return rest.whole().value_or(2);
}

bool odd(Interpreter& interpreter, const Value& value, Arguments&) {
  return remainder(interpreter, value, Value::integer(2)) == 1;
}

bool even(Interpreter& interpreter, const Value& value, Arguments&) {
  return remainder(interpreter, value, Value::integer(2)) == 0;
}

bool divisible_by(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return remainder(interpreter, value, arguments.need("num")) == 0;
}

template <CharClass kClass>
bool is_cased(Interpreter& interpreter, const Value& value, Arguments&) {
  return all_in(to_text(interpreter.budget(), value), kClass);
}

bool same_as(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const Value other = arguments.need("other");
  if (value.identity() != nullptr && value.identity() == other.identity()) return true;
  const bool scalars = value.identity() == nullptr || value.as_text() != nullptr;
  return scalars && value.type_name() == other.type_name() &&
         equal(interpreter.budget(), value, other);
}

bool is_in_container(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return contains(interpreter.budget(), arguments.need("seq"), value);
}

bool names_filter(Interpreter& interpreter, const Value& value, Arguments&) {
  return is_filter(to_text(interpreter.budget(), value));
}

bool names_test(Interpreter& interpreter, const Value& value, Arguments&) {
  return is_test(to_text(interpreter.budget(), value));
}

bool eq(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return equal(interpreter.budget(), value, arguments.need("other"));
}

bool ne(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return !equal(interpreter.budget(), value, arguments.need("other"));
}

bool lt(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return less(interpreter.budget(), value, arguments.need("other"));
}

bool gt(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  return less(interpreter.budget(), arguments.need("other"), value);
}

bool le(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const Value other = arguments.need("other");
  return less(interpreter.budget(), value, other) || equal(interpreter.budget(), value, other);
}

bool ge(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const Value other = arguments.need("other");
  return less(interpreter.budget(), other, value) || equal(interpreter.budget(), value, other);
}

struct TestRow {
  std::string_view name;
  Test holds;
};
constexpr TestRow kTests[] = {
    {"odd", odd},
    {"even", even},
    {"divisibleby", divisible_by},
    {"lower", is_cased<CharClass::kLower>},
    {"upper", is_cased<CharClass::kUpper>},
    {"sameas", same_as},
    {"in", is_in_container},
    {"filter", names_filter},
    {"test", names_test},
    {"eq", eq},
    {"equalto", eq},
    {"==", eq},
    {"ne", ne},
    {"!=", ne},
    {"lt", lt},
    {"lessthan", lt},
    {"<", lt},
    {"gt", gt},
    {"greaterthan", gt},
    {">", gt},
    {"le", le},
    {"<=", le},
    {"ge", ge},
    {">=", ge},
};

template <typename Rows>
const auto* find_row(const Rows& rows, std::string_view name) {
  const auto* row = std::find_if(std::begin(rows), std::end(rows),
                                 [&](const auto& each) { return each.name == name; });
  return row == std::end(rows) ? nullptr : row;
}

}  // namespace

bool is_test(std::string_view name) {
  return find_row(kPlain, name) != nullptr || find_row(kTests, name) != nullptr;
}

bool call_test(Interpreter& interpreter, const std::string& name, const Value& value,
               Arguments& arguments) {
  interpreter.budget().step();
  bool holds = false;
  if (const PlainRow* plain = find_row(kPlain, name)) {
    holds = plain->holds(value);
  } else if (const TestRow* row = find_row(kTests, name)) {
    holds = row->holds(interpreter, value, arguments);
  } else {
    throw Raised("No test named '" + name + "'.");
  }
  arguments.finish();
  return holds;
}

}  // namespace kilotoken::jinja
