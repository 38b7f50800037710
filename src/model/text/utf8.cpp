#include "model/text/utf8.h"

#include <algorithm>
#include <cstdint>

namespace kilotoken {
namespace {

struct LeadByte {
  size_t bytes;               // of the whole character; 0: begins none
  unsigned char least, most;  // of the second byte
};

LeadByte lead_byte(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};  // below: overlong
  if (byte == 0xED) return {3, 0x80, 0x9F};  // above: surrogates
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};  // below: overlong
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};  // above: past U+10FFFF
  return {0, 0, 0};
}

constexpr std::string_view kSpaces[] = {
    "\t",     "\n",     "\v",     "\f",     "\r",     " ",      "\u0085", "\u00A0", "\u1680",
    "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
    "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"};

}  // namespace

Utf8Step utf8_step(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const LeadByte lead = lead_byte(byte(0));
  if (lead.bytes == 0) return {Utf8Step::kInvalid, 1};
  for (size_t i = 1; i < lead.bytes; ++i) {
    if (i == text.size()) return {Utf8Step::kUnfinished, i};
    const unsigned char least = i == 1 ? lead.least : 0x80, most = i == 1 ? lead.most : 0xBF;
    if (byte(i) < least || byte(i) > most) return {Utf8Step::kInvalid, 1};
  }
  return {Utf8Step::kCharacter, lead.bytes};
}

std::optional<size_t> first_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (step.kind != Utf8Step::kCharacter) return at;
    at += step.bytes;
  }
  return std::nullopt;
}

size_t append_utf8(std::string& out, std::string_view text, bool last) {
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (step.kind == Utf8Step::kUnfinished && !last) break;
    if (step.kind == Utf8Step::kCharacter) {
      out += text.substr(at, step.bytes);
    } else {
      for (size_t i = 0; i < step.bytes; ++i) out += "\uFFFD";
    }
    at += step.bytes;
  }
  return at;
}

size_t leading_space_bytes(std::string_view text) {
  size_t at = 0;
  const auto is_next = [&](std::string_view space) { return text.substr(at).starts_with(space); };
  for (;;) {
    const auto* space = std::ranges::find_if(kSpaces, is_next);
    if (space == std::end(kSpaces)) return at;
    at += space->size();
  }
}

size_t trailing_space_bytes(std::string_view text) {
  size_t end = text.size();
  const auto is_last = [&](std::string_view space) { return text.substr(0, end).ends_with(space); };
  for (;;) {
    const auto* space = std::ranges::find_if(kSpaces, is_last);
    if (space == std::end(kSpaces)) return text.size() - end;
    end -= space->size();
  }
}

}  // namespace kilotoken
