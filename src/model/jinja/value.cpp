#include "model/jinja/value.h"

#include <algorithm>
#include <cmath>

#include "model/jinja/object.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

constexpr size_t kValueBytes = 64;  // what a value takes, its share of the allocator's included

int checked_depth(int depth) {
  if (depth > kMaxValueDepth) {
    throw Raised("values are nested deeper than " + std::to_string(kMaxValueDepth) +
                 " levels (limit of value depth)");
  }
  return depth;
}

}  // namespace

Value Value::undefined(std::string why) {
  return Value(Data(Undefined{std::make_shared<const std::string>(std::move(why))}));
}

Value Value::constant_text(std::string bytes) {
  const int64_t length = count_code_points(bytes);
  return Value(Data(std::make_shared<const Text>(Text{std::move(bytes), length})));
}

Value Value::text(Budget& budget, std::string bytes) {
  budget.memory(kValueBytes + bytes.size());
  return constant_text(std::move(bytes));
}

Value Value::list(Budget& budget, std::vector<Value> items, Sequence::Kind kind) {
  budget.memory(kValueBytes + items.size() * sizeof(Value));
  auto sequence = std::make_shared<Sequence>();
  sequence->kind = kind;
  for (const Value& item : items) sequence->depth = std::max(sequence->depth, item.depth() + 1);
  checked_depth(sequence->depth);
  sequence->items = std::move(items);
  return Value(Data(std::shared_ptr<const Sequence>(std::move(sequence))));
}

Value Value::range(Budget& budget, int64_t start, int64_t stop, int64_t step) {
  if (step == 0) throw Raised("range() arg 3 must not be zero");
  // Counted in 128 bits: the ends may be anything.
  const __int128 span =
      step > 0 ? static_cast<__int128>(stop) - start : static_cast<__int128>(start) - stop;
  const __int128 stride = step > 0 ? static_cast<__int128>(step) : -static_cast<__int128>(step);
  const __int128 length = span <= 0 ? 0 : (span + stride - 1) / stride;
  if (length > budget.limits().range_length) {
    throw Raised("range() is longer than " + std::to_string(budget.limits().range_length) +
                 " (limit of range)");
  }
  budget.memory(kValueBytes + static_cast<size_t>(length) * sizeof(Value));
  auto sequence = std::make_shared<Sequence>();
  sequence->kind = Sequence::kRange;
  sequence->start = start;
  sequence->stop = stop;
  sequence->step = step;
  sequence->items.reserve(static_cast<size_t>(length));
  for (__int128 i = 0; i < length; ++i) {
    sequence->items.push_back(integer(static_cast<int64_t>(start + i * step)));
  }
  return Value(Data(std::shared_ptr<const Sequence>(std::move(sequence))));
}

Value Value::dict(Budget& budget, Pairs pairs) {
  budget.memory(kValueBytes + pairs.size() * 2 * sizeof(Value));
  auto dict = std::make_shared<Dict>();
  for (const auto& [key, value] : pairs) {
    dict->depth = std::max({dict->depth, key.depth() + 1, value.depth() + 1});
  }
  checked_depth(dict->depth);
  dict->pairs = std::move(pairs);
  return Value(Data(std::shared_ptr<const Dict>(std::move(dict))));
}

Value Value::object(Budget& budget, std::shared_ptr<Object> object) {
  budget.memory(4 * kValueBytes);
  checked_depth(object->depth());
  return Value(Data(std::move(object)));
}

Object* Value::as_object() const {
  const auto* held = std::get_if<std::shared_ptr<Object>>(&data_);
  return held == nullptr ? nullptr : held->get();
}

std::optional<int64_t> Value::whole() const {
  if (const bool* boolean = as_bool()) return *boolean ? 1 : 0;
  if (const int64_t* integer = as_integer()) return *integer;
  return std::nullopt;
}

std::optional<double> Value::number() const {
  if (const double* real = as_real()) return *real;
  if (const auto integer = whole()) return static_cast<double>(*integer);
  return std::nullopt;
}

bool Value::truthy() const {
  if (const auto value = number()) return *value != 0;
  if (const Text* text = as_text()) return !text->bytes.empty();
  if (const Sequence* sequence = as_sequence()) {
    return sequence->kind == Sequence::kGenerator || !sequence->items.empty();
  }
  if (const Dict* dict = as_dict()) return !dict->pairs.empty();
  return as_object() != nullptr;
}

int Value::depth() const {
  if (const Sequence* sequence = as_sequence()) return sequence->depth;
  if (const Dict* dict = as_dict()) return dict->depth;
  if (const Object* object = as_object()) return object->depth();
  return 0;
}

const void* Value::identity() const {
  if (const Text* text = as_text()) return text;
  if (const Sequence* sequence = as_sequence()) return sequence;
  if (const Dict* dict = as_dict()) return dict;
  return as_object();
}

std::string Value::type_name() const {
  if (is_none()) return "NoneType";
  if (is_undefined()) return "Undefined";
  if (as_bool() != nullptr) return "bool";
  if (as_integer() != nullptr) return "int";
  if (as_real() != nullptr) return "float";
  if (as_text() != nullptr) return "str";
  if (as_dict() != nullptr) return "dict";
  if (const Object* object = as_object()) return object->type_name();
  switch (as_sequence()->kind) {
    case Sequence::kList:
      return "list";
    case Sequence::kTuple:
      return "tuple";
    case Sequence::kRange:
      return "range";
    case Sequence::kKeys:
      return "dict_keys";
    case Sequence::kValues:
      return "dict_values";
    case Sequence::kItems:
      return "dict_items";
    case Sequence::kGenerator:
      return "generator";
    case Sequence::kGroup:
      return "_GroupTuple";
  }
  return "object";
}

}  // namespace kilotoken::jinja
