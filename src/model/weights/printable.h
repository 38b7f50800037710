#pragma once
// Names that come from a file, made fit for a one-line message.

#include <string>
#include <string_view>

namespace kilotoken {

// At most 100 characters; anything but printable ASCII becomes '?'.
inline std::string printable(std::string_view name) {
  constexpr size_t kMost = 100;
  std::string out(name.substr(0, kMost));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (name.size() > kMost) out += "...";
  return out;
}

}  // namespace kilotoken
