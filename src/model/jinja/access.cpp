#include <algorithm>

#include "model/jinja/interpreter.h"
#include "model/jinja/methods.h"
#include "model/jinja/object.h"
#include "model/jinja/operators.h"
#include "model/jinja/print.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

// As Jinja2 names a value in the errors of what it has not.
std::string described(const Value& value) {
  return value.is_none() ? "None" : value.type_name() + " object";
}

void check_hashable(const Value& key) {
  if (key.as_dict() != nullptr || key.is_sequence(Sequence::kList)) {
    throw Raised("unhashable type: '" + key.type_name() + "'");
  }
  if (key.is_sequence(Sequence::kTuple)) {
    for (const Value& item : key.as_sequence()->items) check_hashable(item);
  }
}

bool is_indexable(const Sequence& sequence) {
  return sequence.kind == Sequence::kList || sequence.kind == Sequence::kTuple ||
         sequence.kind == Sequence::kRange || sequence.kind == Sequence::kGroup;
}

std::optional<Value> item_at(Budget& budget, const Value& value, int64_t index) {
  const auto length = length_of(value);
  if (!length) return std::nullopt;
  if (index < 0) index += *length;
  if (index < 0 || index >= *length) return std::nullopt;
  if (const Text* text = value.as_text()) {
    if (text->ascii()) {
      return Value::text(budget, std::string(1, text->bytes[static_cast<size_t>(index)]));
    }
    budget.walk(text->bytes.size());
    const size_t offset = offset_of(text->bytes, index);
    return Value::text(budget,
                       std::string(first_code_point(std::string_view(text->bytes).substr(offset))));
  }
  const Sequence* sequence = value.as_sequence();
  if (sequence == nullptr || !is_indexable(*sequence)) return std::nullopt;
  return sequence->items[static_cast<size_t>(index)];
}

std::optional<Value> attribute_of(Interpreter& interpreter, const Value& value,
                                  std::string_view name) {
  if (const Object* object = value.as_object()) return object->attribute(interpreter, name);
  return find_method(interpreter.budget(), value, name);
}

std::optional<Value> item_of(Budget& budget, const Value& value, const Value& key) {
  if (const Dict* dict = value.as_dict()) {
    const Value* found = find_key(budget, *dict, key);
    return found == nullptr ? std::nullopt : std::optional<Value>(*found);
  }
  if (const auto index = key.whole()) return item_at(budget, value, *index);
  return std::nullopt;
}

int64_t bound_of(const Value& value) {
  if (value.is_undefined()) raise_undefined(value);
  const auto whole = value.whole();
  if (!whole) throw Raised("slice indices must be integers or None");
  return *whole;
}

// text[from:to], without a list of its characters.
Value text_between(Budget& budget, const Text& text, int64_t from, int64_t to) {
  const auto clamped = [&](int64_t at) {
    if (at < 0) at = at < -text.length ? 0 : at + text.length;
    return std::min(at, text.length);
  };
  const int64_t begin = clamped(from);
  const int64_t count = std::max<int64_t>(0, clamped(to) - begin);
  if (text.ascii()) {
    return Value::text(budget,
                       text.bytes.substr(static_cast<size_t>(begin), static_cast<size_t>(count)));
  }
  budget.walk(text.bytes.size());
  const std::string_view rest = std::string_view(text.bytes).substr(offset_of(text.bytes, begin));
  return Value::text(budget, std::string(rest.substr(0, offset_of(rest, count))));
}

}  // namespace

Value get_attribute(Interpreter& interpreter, const Value& value, std::string_view name) {
  if (value.is_undefined()) raise_undefined(value);
  if (auto found = attribute_of(interpreter, value, name)) return *found;
  if (const Dict* dict = value.as_dict()) {
    interpreter.budget().step(static_cast<int64_t>(dict->pairs.size() / 8));
    for (const auto& [key, item] : dict->pairs) {
      if (key.as_text() != nullptr && key.as_text()->bytes == name) return item;
    }
  }
  return Value::undefined("'" + described(value) + "' has no attribute " + repr_text(name));
}

Value get_item(Interpreter& interpreter, const Value& value, const Value& key) {
  if (value.is_undefined()) raise_undefined(value);
  if (auto found = item_of(interpreter.budget(), value, key)) return *found;
  const Text* name = key.as_text();
  if (name == nullptr) {
    return Value::undefined(described(value) + " has no element " +
                            repr(interpreter.budget(), key));
  }
  if (auto found = attribute_of(interpreter, value, name->bytes)) return *found;
  return Value::undefined("'" + described(value) + "' has no attribute " + repr_text(name->bytes));
}

std::vector<int64_t> slice_indices(Budget& budget, int64_t length, const Value& start,
                                   const Value& stop, const Value& step) {
  const int64_t stride = step.is_none() ? 1 : bound_of(step);
  if (stride == 0) throw Raised("slice step cannot be zero");
  const int64_t lowest = stride < 0 ? -1 : 0;
  const int64_t highest = stride < 0 ? length - 1 : length;
  const auto clamped = [&](const Value& bound, int64_t otherwise) {
    if (bound.is_none()) return otherwise;
    int64_t at = bound_of(bound);
    if (at < 0) at = at < -length ? -1 : at + length;
    return std::clamp(at, lowest, highest);
  };
  int64_t at = clamped(start, stride < 0 ? highest : lowest);
  const int64_t end = clamped(stop, stride < 0 ? lowest : highest);
  std::vector<int64_t> out;
  while (stride > 0 ? at < end : at > end) {
    budget.step();
    out.push_back(at);
    if (__builtin_add_overflow(at, stride, &at)) break;
  }
  return out;
}

Value get_slice(Budget& budget, const Value& value, const Value& start, const Value& stop,
                const Value& step) {
  if (value.is_undefined()) raise_undefined(value);
  const auto length = length_of(value);
  if (const Text* text = value.as_text()) {
    const bool simple = step.is_none() || (step.whole() && *step.whole() == 1);
    const auto from = start.is_none() ? std::optional<int64_t>(0) : start.whole();
    const auto to = stop.is_none() ? length : stop.whole();
    if (simple && from && to) return text_between(budget, *text, *from, *to);
    budget.memory(text->bytes.size() * sizeof(std::string_view));
    const auto characters = code_points(text->bytes);
    std::string out;
    for (const int64_t i : slice_indices(budget, *length, start, stop, step)) {
      out += characters[static_cast<size_t>(i)];
    }
    return Value::text(budget, std::move(out));
  }
  const Sequence* sequence = value.as_sequence();
  if (sequence == nullptr || !is_indexable(*sequence)) {
    throw Raised("'" + value.type_name() + "' object is not subscriptable");
  }
  std::vector<Value> out;
  for (const int64_t i : slice_indices(budget, *length, start, stop, step)) {
    out.push_back(sequence->items[static_cast<size_t>(i)]);
  }
  if (sequence->kind == Sequence::kRange) {
    const int64_t stride = sequence->step * (step.is_none() ? 1 : *step.whole());
    const int64_t first = out.empty() ? 0 : *out.front().as_integer();
    const int64_t past = out.empty() ? 0 : *out.back().as_integer() + stride;
    return Value::range(budget, first, past, stride);
  }
  const bool list = sequence->kind == Sequence::kList;
  return Value::list(budget, std::move(out), list ? Sequence::kList : Sequence::kTuple);
}

const Value* find_key(Budget& budget, const Dict& dict, const Value& key) {
  check_hashable(key);
  budget.step(static_cast<int64_t>(dict.pairs.size() / 8));
  const Text* text = key.as_text();
  for (const auto& [each, value] : dict.pairs) {
    const Text* other = each.as_text();
    if ((text == nullptr) != (other == nullptr)) continue;
    if (text != nullptr ? text->bytes == other->bytes : equal(budget, each, key)) return &value;
  }
  return nullptr;
}

void set_key(Budget& budget, Pairs& pairs, Value key, Value value) {
  check_hashable(key);
  budget.step(static_cast<int64_t>(1 + pairs.size() / 8));
  for (auto& [each, held] : pairs) {
    if (equal(budget, each, key)) {
      held = std::move(value);
      return;
    }
  }
  pairs.emplace_back(std::move(key), std::move(value));
}

bool is_iterable(const Value& value) {
  return value.as_text() != nullptr || value.as_sequence() != nullptr ||
         value.as_dict() != nullptr || value.is_undefined();
}

std::vector<Value> iterate(Budget& budget, const Value& value) {
  std::vector<Value> out;
  if (value.is_undefined()) return out;
  const Sequence* sequence = value.as_sequence();
  if (sequence != nullptr) {
    budget.step(static_cast<int64_t>(sequence->items.size()));
    const auto skipped = static_cast<std::ptrdiff_t>(sequence->read);
    out.assign(sequence->items.begin() + skipped, sequence->items.end());
    if (sequence->kind == Sequence::kGenerator) sequence->read = sequence->items.size();
  } else if (const Dict* dict = value.as_dict()) {
    budget.step(static_cast<int64_t>(dict->pairs.size()));
    for (const auto& pair : dict->pairs) out.push_back(pair.first);
  } else if (const Text* text = value.as_text()) {
    budget.memory(static_cast<size_t>(text->length) * sizeof(Value));
    for (const std::string_view character : code_points(text->bytes)) {
      out.push_back(Value::text(budget, std::string(character)));
    }
  } else {
    throw Raised("'" + value.type_name() + "' object is not iterable");
  }
  return out;
}

std::optional<int64_t> length_of(const Value& value) {
  if (value.is_undefined()) return 0;
  if (const Text* text = value.as_text()) return text->length;
  if (const Dict* dict = value.as_dict()) return static_cast<int64_t>(dict->pairs.size());
  const Sequence* sequence = value.as_sequence();
  if (sequence == nullptr || sequence->kind == Sequence::kGenerator) return std::nullopt;
  return static_cast<int64_t>(sequence->items.size());
}

}  // namespace kilotoken::jinja
