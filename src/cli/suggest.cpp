#include "cli/suggest.h"

#include <algorithm>

namespace kilotoken {
namespace {

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = last;
    last = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names,
                         std::string_view prefix, size_t most) {
  size_t least = std::min(std::max<size_t>(1, name.size() / 3), most) + 1;
  std::string_view nearest;
  for (const std::string& candidate : names) {
    const size_t far = distance(name, candidate);
    if (far < least) {
      least = far;
      nearest = candidate;
    }
  }
  if (nearest.empty()) return {};
  return "; did you mean " + std::string(prefix) + std::string(nearest) + "?";
}

}  // namespace kilotoken
