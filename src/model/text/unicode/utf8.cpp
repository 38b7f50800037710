#include "model/text/unicode/utf8.h"

#include <cstring>

#include "model/text/unicode/characters.h"

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

}  // namespace

Utf8Step utf8_step(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const LeadByte lead = lead_byte(byte(0));
  if (lead.bytes == 0) return {Utf8Step::kInvalid, 1};
  for (size_t i = 1; i < lead.bytes; ++i) {
    if (i == text.size()) return {Utf8Step::kUnfinished, i};
    const unsigned char least = i == 1 ? lead.least : 0x80, most = i == 1 ? lead.most : 0xBF;
    if (byte(i) < least || byte(i) > most) return {Utf8Step::kInvalid, i};
  }
  return {Utf8Step::kCharacter, lead.bytes};
}

std::optional<size_t> first_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    uint64_t eight;
    if (at + sizeof eight <= text.size()) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const Utf8Step step = utf8_step(text.substr(at));
    if (step.kind != Utf8Step::kCharacter) return at;
    at += step.bytes;
  }
  return std::nullopt;
}

size_t append_utf8(std::string& out, std::string_view text, bool last, Utf8Repair repair) {
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (step.kind == Utf8Step::kUnfinished && !last) break;
    if (step.kind == Utf8Step::kCharacter) {
      out += text.substr(at, step.bytes);
    } else {
      const size_t marks = repair == Utf8Repair::kEveryByte ? step.bytes : 1;
      for (size_t i = 0; i < marks; ++i) out += "\uFFFD";
    }
    at += step.bytes;
  }
  return at;
}

Utf8Character last_utf8_character(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return utf8_character(text.substr(at));
}

void append_character(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

size_t leading_space_bytes(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Character next = utf8_character(text.substr(at));
    if (!is_white_space(next.code)) break;
    at += next.bytes;
  }
  return at;
}

size_t trailing_space_bytes(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    const Utf8Character last = last_utf8_character(text.substr(0, end));
    if (!is_white_space(last.code)) break;
    end -= last.bytes;
  }
  return text.size() - end;
}

}  // namespace kilotoken
