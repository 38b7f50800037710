#pragma once
// What somebody who mistyped a name may have meant.

#include <string>
#include <string_view>
#include <vector>

namespace kilotoken {

// "; did you mean PREFIXname?" for the nearest of `names`, or nothing if none is near: up to a
// third of the letters, and no more than `most`, may be left out, added, changed or swapped with
// their neighbour (the restricted Damerau-Levenshtein distance).
std::string did_you_mean(std::string_view name, const std::vector<std::string>& names,
                         std::string_view prefix = {}, size_t most = 100);

}  // namespace kilotoken
