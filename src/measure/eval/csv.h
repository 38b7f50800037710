#pragma once
// CSV as RFC 4180 has it: fields with commas, quotes or line ends are quoted, a quote is doubled.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kilotoken {

// Rows of fields; empty lines are none. `where` names the file in errors, which give the line.
Result<std::vector<std::vector<std::string>>> parse_csv(std::string_view text,
                                                        std::string_view where);

}  // namespace kilotoken
