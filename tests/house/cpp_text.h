#pragma once
// Just enough C++ to find where functions begin and end.

#include <string>
#include <string_view>
#include <vector>

namespace kilotoken::house {

// The same text with comments, string and character literals and preprocessor lines blanked out;
// line breaks stay where they are.
std::string code_only(std::string_view text);

struct Function {
  std::string name;
  int first_line;  // 1-based, of the first line of its signature
  int last_line;   // of its closing brace
};

// Functions at namespace or class level; a lambda counts towards the function around it.
std::vector<Function> functions(std::string_view text);

}  // namespace kilotoken::house
