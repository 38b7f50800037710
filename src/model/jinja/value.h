#pragma once
// Value: what a template computes with, after Python's. Shared and immutable, but for a namespace's
// attributes and how far a generator has been read. Text is UTF-8 and counted in code points, as
// Python does.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/jinja/limits.h"

namespace kilotoken::jinja {

class Value;
struct Object;

struct Text {
  std::string bytes;
  int64_t length;  // code points
  bool ascii() const { return static_cast<size_t>(length) == bytes.size(); }
};

struct Undefined {
  std::shared_ptr<const std::string> why;  // the error that using it raises
};
struct None {
  bool operator==(const None&) const { return true; }
};

struct Sequence {
  enum Kind { kList, kTuple, kRange, kKeys, kValues, kItems, kGenerator, kGroup };
  Kind kind = kList;
  int depth = 1;
  std::vector<Value> items;
  mutable size_t read = 0;                // of a generator: items already taken
  int64_t start = 0, stop = 0, step = 1;  // of a range, for its repr
};

using Pairs = std::vector<std::pair<Value, Value>>;
struct Dict {
  int depth = 1;
  Pairs pairs;  // in order of insertion; keys are unique
};

class Value {
 public:
  Value() : data_(None{}) {}
  Value(bool value) : data_(value) {}  // NOLINT
  Value(const void*) = delete;         // a pointer is no bool
  static Value integer(int64_t value) { return Value(Data(value)); }
  static Value real(double value) { return Value(Data(value)); }
  static Value undefined(std::string why);

  // These count their memory and refuse nesting deeper than kMaxValueDepth.
  static Value text(Budget& budget, std::string bytes);
  static Value list(Budget& budget, std::vector<Value> items,
                    Sequence::Kind kind = Sequence::kList);
  static Value range(Budget& budget, int64_t start, int64_t stop, int64_t step);
  static Value dict(Budget& budget, Pairs pairs);
  static Value object(Budget& budget, std::shared_ptr<Object> object);
  static Value constant_text(std::string bytes);  // from the source or the caller: not counted

  bool is_undefined() const { return holds<Undefined>(); }
  bool is_none() const { return holds<None>(); }
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const int64_t* as_integer() const { return std::get_if<int64_t>(&data_); }
  const double* as_real() const { return std::get_if<double>(&data_); }
  const Text* as_text() const { return pointed<Text>(); }
  const Sequence* as_sequence() const { return pointed<Sequence>(); }
  const Dict* as_dict() const { return pointed<Dict>(); }
  Object* as_object() const;
  const Undefined& undefined() const { return std::get<Undefined>(data_); }

  // Integers and booleans, as Python counts with both.
  std::optional<int64_t> whole() const;
  // whole() or a float.
  std::optional<double> number() const;
  bool is_sequence(Sequence::Kind kind) const {
    const Sequence* sequence = as_sequence();
    return sequence != nullptr && sequence->kind == kind;
  }
  bool truthy() const;
  int depth() const;
  const void* identity() const;   // null for what has none
  std::string type_name() const;  // Python's

 private:
  using Data = std::variant<None, Undefined, bool, int64_t, double, std::shared_ptr<const Text>,
                            std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>,
                            std::shared_ptr<Object>>;
  explicit Value(Data data) : data_(std::move(data)) {}

  template <typename T>
  bool holds() const {
    return std::holds_alternative<T>(data_);
  }
  template <typename T>
  const T* pointed() const {
    const auto* held = std::get_if<std::shared_ptr<const T>>(&data_);
    return held == nullptr ? nullptr : held->get();
  }

  Data data_;
};

}  // namespace kilotoken::jinja
