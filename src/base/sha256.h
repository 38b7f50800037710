#pragma once
// SHA-256 (FIPS 180-4) and HMAC (RFC 2104) over it.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kilotoken {

using Sha256 = std::array<uint8_t, 32>;

Sha256 sha256(std::string_view message);
Sha256 hmac_sha256(std::string_view key, std::string_view message);

std::string to_hex(const Sha256& hash);

}  // namespace kilotoken
