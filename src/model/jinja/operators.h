#pragma once
// Python's operators and Jinja2's access to items and attributes.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/jinja/value.h"

namespace kilotoken::jinja {

class Interpreter;

enum class BinaryOp { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };

Value binary(Budget& budget, BinaryOp op, const Value& a, const Value& b);
Value negative(const Value& value);
Value positive(const Value& value);

bool equal(Budget& budget, const Value& a, const Value& b);
// a < b; TypeError for values that Python does not order.
bool less(Budget& budget, const Value& a, const Value& b);
bool contains(Budget& budget, const Value& container, const Value& item);

// `name`'s attribute (a method), else its item; undefined if there is neither.
Value get_attribute(Interpreter& interpreter, const Value& value, std::string_view name);
// The item, else the attribute of that name; undefined if there is neither.
Value get_item(Interpreter& interpreter, const Value& value, const Value& key);
// Bounds are integers or none.
Value get_slice(Budget& budget, const Value& value, const Value& start, const Value& stop,
                const Value& step);

const Value* find_key(Budget& budget, const Dict& dict, const Value& key);
// Sets or adds a key, as a dict under construction does; TypeError for a list or dict as the key.
void set_key(Budget& budget, Pairs& pairs, Value key, Value value);

// What `for` goes over. A generator is used up by it. TypeError for what is not iterable.
std::vector<Value> iterate(Budget& budget, const Value& value);
bool is_iterable(const Value& value);
// len(); nothing for what has none.
std::optional<int64_t> length_of(const Value& value);

[[noreturn]] void raise_undefined(const Value& value);
// Python's rule for slices: the indices that [start:stop:step] selects out of `length`.
std::vector<int64_t> slice_indices(Budget& budget, int64_t length, const Value& start,
                                   const Value& stop, const Value& step);

}  // namespace kilotoken::jinja
