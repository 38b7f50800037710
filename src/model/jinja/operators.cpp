#include "model/jinja/operators.h"

#include <algorithm>
#include <cmath>

#include "model/jinja/format.h"
#include "model/jinja/object.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

const char* symbol(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
      return "+";
    case BinaryOp::kSubtract:
      return "-";
    case BinaryOp::kMultiply:
      return "*";
    case BinaryOp::kDivide:
      return "/";
    case BinaryOp::kFloorDivide:
      return "//";
    case BinaryOp::kModulo:
      return "%";
    case BinaryOp::kPower:
      return "** or pow()";
  }
  return "?";
}

[[noreturn]] void unsupported(BinaryOp op, const Value& a, const Value& b) {
  throw Raised(std::string("unsupported operand type(s) for ") + symbol(op) + ": '" +
               a.type_name() + "' and '" + b.type_name() + "'");
}

[[noreturn]] void too_big() {
  throw Raised("an integer does not fit in 64 bits (limit of integers)");
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == -1) {
    int64_t out;
    if (__builtin_sub_overflow(int64_t{0}, a, &out)) too_big();
    return out;
  }
  const int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

int64_t power(int64_t base, int64_t exponent) {
  int64_t out = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(out, base, &out)) too_big();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) too_big();
  }
  return out;
}

double real_modulo(double a, double b) {
  double out = std::fmod(a, b);
  if (out != 0 && (b < 0) != (out < 0)) out += b;
  if (out == 0) out = std::copysign(0.0, b);
  return out;
}

double real_floor_divide(double a, double b) {
  const double quotient = (a - real_modulo(a, b)) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

Value real_power(double a, double b) {
  if (a == 0 && b < 0) throw Raised("0.0 cannot be raised to a negative power");
  if (a < 0 && b != std::floor(b)) throw Raised("complex numbers are not supported");
  const double out = std::pow(a, b);
  if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) {
    throw Raised("Numerical result out of range");
  }
  return Value::real(out);
}

Value whole_binary(BinaryOp op, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (op) {
    case BinaryOp::kAdd:
      if (__builtin_add_overflow(a, b, &out)) too_big();
      return Value::integer(out);
    case BinaryOp::kSubtract:
      if (__builtin_sub_overflow(a, b, &out)) too_big();
      return Value::integer(out);
    case BinaryOp::kMultiply:
      if (__builtin_mul_overflow(a, b, &out)) too_big();
      return Value::integer(out);
    case BinaryOp::kDivide:
      if (b == 0) throw Raised("division by zero");
      return Value::real(
          static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    case BinaryOp::kFloorDivide:
      if (b == 0) throw Raised("integer division or modulo by zero");
      return Value::integer(floor_divide(a, b));
    case BinaryOp::kModulo:
      if (b == 0) throw Raised("integer modulo by zero");
      if (b == -1) return Value::integer(0);
      out = a % b;
      return Value::integer(out != 0 && (out < 0) != (b < 0) ? out + b : out);
    case BinaryOp::kPower:
      if (b < 0) return real_power(static_cast<double>(a), static_cast<double>(b));
      return Value::integer(power(a, b));
  }
  return {};
}

Value real_binary(BinaryOp op, double a, double b) {
  const bool divides =
      op == BinaryOp::kDivide || op == BinaryOp::kFloorDivide || op == BinaryOp::kModulo;
  if (divides && b == 0) throw Raised("float division by zero");
  switch (op) {
    case BinaryOp::kAdd:
      return Value::real(a + b);
    case BinaryOp::kSubtract:
      return Value::real(a - b);
    case BinaryOp::kMultiply:
      return Value::real(a * b);
    case BinaryOp::kDivide:
      return Value::real(a / b);
    case BinaryOp::kFloorDivide:
      return Value::real(real_floor_divide(a, b));
    case BinaryOp::kModulo:
      return Value::real(real_modulo(a, b));
    case BinaryOp::kPower:
      return real_power(a, b);
  }
  return {};
}

bool is_plain_sequence(const Value& value) {
  return value.is_sequence(Sequence::kList) || value.is_sequence(Sequence::kTuple) ||
         value.is_sequence(Sequence::kGroup);
}

bool same_kind(const Value& a, const Value& b) {
  return is_plain_sequence(a) && is_plain_sequence(b) &&
         a.is_sequence(Sequence::kList) == b.is_sequence(Sequence::kList);
}

Value repeat(Budget& budget, const Value& value, int64_t times) {
  times = std::max<int64_t>(times, 0);
  // The size is known to be small before a byte of it is made.
  const auto take = [&](size_t bytes) {
    int64_t total = 0;
    if (__builtin_mul_overflow(static_cast<int64_t>(bytes), times, &total)) total = INT64_MAX;
    budget.memory(static_cast<size_t>(total));
  };
  if (const Text* text = value.as_text()) {
    take(text->bytes.size());
    std::string out;
    if (text->bytes.empty()) times = 0;
    for (int64_t i = 0; i < times; ++i) out += text->bytes;
    return Value::text(budget, std::move(out));
  }
  const Sequence& sequence = *value.as_sequence();
  take(sequence.items.size() * sizeof(Value));
  std::vector<Value> out;
  if (sequence.items.empty()) times = 0;
  for (int64_t i = 0; i < times; ++i) {
    out.insert(out.end(), sequence.items.begin(), sequence.items.end());
  }
  return Value::list(budget, std::move(out), sequence.kind);
}

Value add(Budget& budget, const Value& a, const Value& b) {
  if (a.as_text() != nullptr) {
    if (b.as_text() == nullptr) {
      throw Raised("can only concatenate str (not \"" + b.type_name() + "\") to str");
    }
    budget.memory(a.as_text()->bytes.size() + b.as_text()->bytes.size());
    return Value::text(budget, a.as_text()->bytes + b.as_text()->bytes);
  }
  if (!same_kind(a, b)) unsupported(BinaryOp::kAdd, a, b);
  std::vector<Value> out = a.as_sequence()->items;
  budget.memory((out.size() + b.as_sequence()->items.size()) * sizeof(Value));
  out.insert(out.end(), b.as_sequence()->items.begin(), b.as_sequence()->items.end());
  const bool list = a.is_sequence(Sequence::kList);
  return Value::list(budget, std::move(out), list ? Sequence::kList : Sequence::kTuple);
}

bool equal_sequences(Budget& budget, const Sequence& a, const Sequence& b) {
  if (a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!equal(budget, a.items[i], b.items[i])) return false;
  }
  return true;
}

bool equal_dicts(Budget& budget, const Dict& a, const Dict& b) {
  if (a.pairs.size() != b.pairs.size()) return false;
  for (const auto& [key, value] : a.pairs) {
    const Value* other = find_key(budget, b, key);
    if (other == nullptr || !equal(budget, value, *other)) return false;
  }
  return true;
}

// Exact for a 64-bit integer beside a double.
bool less_number(const Value& a, const Value& b) {
  const auto wide = [](const Value& value) {
    return value.as_real() != nullptr ? static_cast<long double>(*value.as_real())
                                      : static_cast<long double>(*value.whole());
  };
  return wide(a) < wide(b);
}

}  // namespace

[[noreturn]] void raise_undefined(const Value& value) { throw Raised(*value.undefined().why); }

Value binary(Budget& budget, BinaryOp op, const Value& a, const Value& b) {
  if (a.is_undefined()) raise_undefined(a);
  if (op == BinaryOp::kModulo && a.as_text() != nullptr) {
    return Value::text(budget, percent_format(budget, a.as_text()->bytes, b));
  }
  if (b.is_undefined()) raise_undefined(b);
  const auto whole_a = a.whole();
  const auto whole_b = b.whole();
  if (whole_a && whole_b) return whole_binary(op, *whole_a, *whole_b);
  const auto number_a = a.number();
  const auto number_b = b.number();
  if (number_a && number_b) return real_binary(op, *number_a, *number_b);
  if (op == BinaryOp::kAdd) return add(budget, a, b);
  if (op == BinaryOp::kMultiply) {
    if (whole_b && (a.as_text() != nullptr || is_plain_sequence(a))) {
      return repeat(budget, a, *whole_b);
    }
    if (whole_a && (b.as_text() != nullptr || is_plain_sequence(b))) {
      return repeat(budget, b, *whole_a);
    }
  }
  unsupported(op, a, b);
}

Value negative(const Value& value) {
  if (value.is_undefined()) raise_undefined(value);
  if (const auto whole = value.whole()) return whole_binary(BinaryOp::kSubtract, 0, *whole);
  if (const double* real = value.as_real()) return Value::real(-*real);
  throw Raised("bad operand type for unary -: '" + value.type_name() + "'");
}

Value positive(const Value& value) {
  if (value.is_undefined()) raise_undefined(value);
  if (const auto whole = value.whole()) return Value::integer(*whole);
  if (value.as_real() != nullptr) return value;
  throw Raised("bad operand type for unary +: '" + value.type_name() + "'");
}

bool equal(Budget& budget, const Value& a, const Value& b) {
  budget.step();
  if (const auto whole_a = a.whole()) {
    if (const auto whole_b = b.whole()) return *whole_a == *whole_b;
  }
  if (a.number() && b.number())
    return !less_number(a, b) && !less_number(b, a) && *a.number() == *b.number();
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  if (a.as_text() != nullptr && b.as_text() != nullptr) {
    if (a.as_text()->bytes.size() != b.as_text()->bytes.size()) return false;
    budget.scan(a.as_text()->bytes.size());
    return a.as_text()->bytes == b.as_text()->bytes;
  }
  if (a.as_dict() != nullptr && b.as_dict() != nullptr) {
    return equal_dicts(budget, *a.as_dict(), *b.as_dict());
  }
  const bool ranges = a.is_sequence(Sequence::kRange) && b.is_sequence(Sequence::kRange);
  if (same_kind(a, b) || ranges) return equal_sequences(budget, *a.as_sequence(), *b.as_sequence());
  return a.identity() != nullptr && a.identity() == b.identity();
}

bool less(Budget& budget, const Value& a, const Value& b) {
  budget.step();
  if (a.is_undefined()) raise_undefined(a);
  if (b.is_undefined()) raise_undefined(b);
  if (a.number() && b.number()) return less_number(a, b);
  if (a.as_text() != nullptr && b.as_text() != nullptr) {
    budget.scan(std::min(a.as_text()->bytes.size(), b.as_text()->bytes.size()));
    return a.as_text()->bytes < b.as_text()->bytes;  // UTF-8 sorts as its code points do
  }
  if (same_kind(a, b)) {
    const auto& left = a.as_sequence()->items;
    const auto& right = b.as_sequence()->items;
    for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      if (!equal(budget, left[i], right[i])) return less(budget, left[i], right[i]);
    }
    return left.size() < right.size();
  }
  throw Raised("'<' not supported between instances of '" + a.type_name() + "' and '" +
               b.type_name() + "'");
}

bool contains(Budget& budget, const Value& container, const Value& item) {
  if (const Text* text = container.as_text()) {
    if (item.as_text() == nullptr) {
      throw Raised("'in <string>' requires string as left operand, not " + item.type_name());
    }
    budget.scan(text->bytes.size());
    return find_bytes(text->bytes, item.as_text()->bytes) != std::string::npos;
  }
  if (const Dict* dict = container.as_dict()) return find_key(budget, *dict, item) != nullptr;
  if (!is_iterable(container)) {
    throw Raised("argument of type '" + container.type_name() + "' is not iterable");
  }
  for (const Value& each : iterate(budget, container)) {
    if (equal(budget, each, item)) return true;
  }
  return false;
}

}  // namespace kilotoken::jinja
