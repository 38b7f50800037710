#pragma once
// Printed text of any length, its pattern checked by the compiler.

#include <string>

namespace kilotoken::bench {

[[gnu::format(printf, 1, 2)]] std::string printed(const char* pattern, ...);

}  // namespace kilotoken::bench
