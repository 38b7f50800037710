#include "model/text/byte_alphabet.h"

#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

// Printable bytes stand for themselves; the others, in order, are U+0100 and on: 33 below '!', 34
// from DEL on, and the soft hyphen.
constexpr uint32_t kLow = 0x21, kDel = 0x7F, kHigh = 0xA1, kSoftHyphen = 0xAD, kLast = 0x143;

}  // namespace

uint32_t letter_of_byte(uint8_t byte) {
  if (byte < kLow) return 0x100u + byte;
  if (byte >= kDel && byte < kHigh) return 0x100u + kLow + (byte - kDel);
  if (byte == kSoftHyphen) return kLast;
  return byte;
}

std::string in_byte_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4);
  for (const char byte : bytes) append_character(out, letter_of_byte(static_cast<uint8_t>(byte)));
  return out;
}

std::optional<std::string> from_byte_alphabet(std::string_view letters) {
  std::string bytes;
  for (size_t at = 0; at < letters.size();) {
    const Utf8Character next = utf8_character(letters.substr(at));
    at += next.bytes;
    uint32_t byte = next.code;
    if (byte >= 0x100 && byte <= kLast) {
      byte -= 0x100;
      if (byte >= kLow) byte = byte - kLow + kDel;
      if (next.code == kLast) byte = kSoftHyphen;
    } else if (byte > 0xFF || letter_of_byte(static_cast<uint8_t>(byte)) != byte) {
      return std::nullopt;
    }
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace kilotoken
