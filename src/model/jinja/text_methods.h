#pragma once
// Methods of Python's str, and what filters share with them.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/jinja/objects.h"

namespace kilotoken::jinja {

struct TextMethod {
  std::string_view name;
  Function::Body body;
  bool takes_names = false;  // of parameters; most of str's methods only know their order
};
const std::vector<TextMethod>& text_methods();

// str.strip(chars) on the sides wanted; white space if `chars` is none.
std::string_view strip_chars(Budget& budget, std::string_view text, const Value& chars, bool left,
                             bool right);
// str.replace; a negative `count` replaces all.
std::string replaced(Budget& budget, std::string_view text, std::string_view from,
                     std::string_view to, int64_t count);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);
// str.center, ljust and rjust.
enum class Side { kLeft, kCenter, kRight };  // where the text goes
std::string padded(Budget& budget, std::string_view text, int64_t width, std::string_view fill,
                   Side side);
std::string joined(Budget& budget, std::string_view separator,
                   const std::vector<std::string>& parts);

}  // namespace kilotoken::jinja
