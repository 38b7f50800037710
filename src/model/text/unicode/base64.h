#pragma once
// Base64 (RFC 4648, the standard alphabet, padded).

#include <optional>
#include <string>
#include <string_view>

namespace kilotoken {

// Nothing for a text that is not base64.
std::optional<std::string> bytes_from_base64(std::string_view text);

}  // namespace kilotoken
