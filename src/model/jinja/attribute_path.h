#pragma once
// How filters look into the items of a list: "user.name", "0" or 3, as Jinja2's make_attrgetter.

#include <string>
#include <vector>

#include "model/jinja/interpreter.h"
#include "model/jinja/objects.h"

namespace kilotoken::jinja {

class AttributePath {
 public:
  AttributePath() = default;  // the item itself
  // `attribute` is none, an integer, or names and numbers with dots between.
  AttributePath(Interpreter& interpreter, const Value& attribute);

  // Undefined where there is nothing, or `otherwise` if that is not none.
  Value of(Interpreter& interpreter, const Value& item, const Value& otherwise = {}) const;

 private:
  std::vector<Value> parts_;
};

// Texts in lower case, so that they compare without regard to it; other values as they are.
Value without_case(Interpreter& interpreter, const Value& value);

// Keeps the order of equals, also in reverse.
struct Keyed {
  Value key;
  Value item;
};
void sort_by_key(Interpreter& interpreter, std::vector<Keyed>& items, bool reverse);

}  // namespace kilotoken::jinja
