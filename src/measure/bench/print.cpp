#include "measure/bench/print.h"

#include <cstdarg>
#include <cstdio>

namespace kilotoken::bench {

std::string printed(const char* pattern, ...) {
  va_list measured, values;
  va_start(values, pattern);
  va_copy(measured, values);
  const int size = std::vsnprintf(nullptr, 0, pattern, measured);
  va_end(measured);
  std::string text(static_cast<size_t>(size > 0 ? size : 0), '\0');
  std::vsnprintf(text.data(), text.size() + 1, pattern, values);
  va_end(values);
  return text;
}

}  // namespace kilotoken::bench
