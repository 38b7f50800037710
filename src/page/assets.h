#pragma once
// The files that the program carries in itself: the page's, and the libraries of the distribution
// that pages use, each with its licence. cmake/embed.cmake makes them from the list in
// CMakeLists.txt.

#include <span>
#include <string_view>

namespace kilotoken {

struct Asset {
  std::string_view path;          // "/" or "/assets/app.js"
  std::string_view content_type;  // "text/javascript; charset=utf-8"
  std::string_view etag;          // with its quotes; changes whenever the bytes do
  std::string_view bytes;
};

std::span<const Asset> assets();

const Asset* find_asset(std::string_view path);  // null when there is none

}  // namespace kilotoken
