#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace kilotoken {

void check_failed(const char* file, int line, std::string_view condition, const std::string& note) {
  std::fprintf(stderr, "%s:%d: check failed: %.*s%s%s\n", file, line,
               static_cast<int>(condition.size()), condition.data(), note.empty() ? "" : ": ",
               note.c_str());
  std::abort();
}

}  // namespace kilotoken
