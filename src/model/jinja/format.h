#pragma once
// Numbers and values in a given form: Python's "%" on strings, str.format and format().

#include <string>
#include <string_view>

#include "model/jinja/value.h"

namespace kilotoken::jinja {

class Interpreter;
class Arguments;

// text % values, values being a tuple, a dict or one value.
std::string percent_format(Budget& budget, std::string_view text, const Value& values);
// text.format(...)
std::string brace_format(Interpreter& interpreter, std::string_view text,
                         const Arguments& arguments);

}  // namespace kilotoken::jinja
