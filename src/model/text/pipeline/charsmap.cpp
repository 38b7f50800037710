#include "model/text/pipeline/charsmap.h"

#include "model/text/unicode/base64.h"
#include "model/text/unicode/characters.h"
#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

constexpr size_t kMostBytes = 4 << 20;  // of a blob; published ones have 0.3 MB

bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) == 1; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset_of(uint32_t unit) { return unit >> 10 << ((unit & 0x200) >> 6); }

class CharsmapNormalizer final : public Normalizer {
 public:
  CharsmapNormalizer(Charsmap charsmap, CharsmapUse use)
      : charsmap_(std::move(charsmap)), use_(use) {}

  Result<void> apply(NormalText& text) const override {
    std::string out;
    out.reserve(text.text.size());
    const std::string_view from = text.text;
    for (size_t at = 0; at < from.size();) {
      if (use_ == CharsmapUse::kLongest) {
        at += append_character_rule(from.substr(at), false, out);
      } else {
        const size_t bytes = grapheme_bytes(from.substr(at));
        append_grapheme(from.substr(at, bytes), out);
        at += bytes;
      }
      if (out.size() > kMostTextBytes) {
        return Error{ErrorCode::kTooLarge,
                     "the text grows to more than " + std::to_string(kMostTextBytes) +
                         " bytes in the tokenizer's charsmap: send less",
                     {}};
      }
    }
    if (out.empty() || (from[0] != out[0] && charsmap_.shortest(from) &&
                        charsmap_.shortest(from)->replacement.empty())) {
      text.at_start = false;
    }
    text.text = std::move(out);
    return {};
  }

 private:
  static size_t grapheme_bytes(std::string_view text) {
    int32_t state = 0;
    Utf8Character left = utf8_character(text);
    size_t bytes = left.bytes;
    while (bytes < text.size()) {
      const Utf8Character right = utf8_character(text.substr(bytes));
      if (is_grapheme_break(left.code, right.code, state)) break;
      bytes += right.bytes;
      left = right;
    }
    return bytes;
  }

  void append_grapheme(std::string_view grapheme, std::string& out) const {
    constexpr size_t kShort = 6;
    if (grapheme.size() < kShort) {
      if (const auto match = charsmap_.shortest(grapheme)) {
        out += match->replacement;
        return;
      }
    }
    for (size_t at = 0; at < grapheme.size();) {
      const size_t bytes = utf8_character(grapheme.substr(at)).bytes;
      append_character_rule(grapheme.substr(at, bytes), true, out);
      at += bytes;
    }
  }

  // Returns how many bytes were taken.
  size_t append_character_rule(std::string_view text, bool shortest, std::string& out) const {
    const auto match = shortest ? charsmap_.shortest(text) : charsmap_.longest(text);
    const size_t bytes = utf8_character(text).bytes;
    out += match ? match->replacement : text.substr(0, bytes);
    return match && !shortest ? match->bytes : bytes;
  }

  Charsmap charsmap_;
  CharsmapUse use_;
};

}  // namespace

Result<Charsmap> Charsmap::from_base64(std::string_view base64, std::string_view where) {
  const std::optional<std::string> blob = bytes_from_base64(base64);
  if (!blob) return invalid(std::string(where) + ": the charsmap is not base64");
  return from_bytes(*blob, where);
}

// The size of the trie in bytes, the trie, the texts; numbers are little endian.
Result<Charsmap> Charsmap::from_bytes(std::string_view blob, std::string_view where) {
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(blob[at + i])} << 8 * i;
    return value;
  };
  if (blob.size() < 4 || blob.size() > kMostBytes) {
    return invalid(std::string(where) + ": a charsmap of " + std::to_string(blob.size()) +
                   " bytes: it has from 4 to " + std::to_string(kMostBytes));
  }
  const size_t trie_bytes = number(0);
  if (trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > blob.size() - 4) {
    return invalid(std::string(where) + ": the charsmap's trie of " + std::to_string(trie_bytes) +
                   " bytes does not fit in its " + std::to_string(blob.size()) + " bytes");
  }
  Charsmap charsmap;
  for (size_t at = 0; at < trie_bytes; at += 4) charsmap.units_.push_back(number(4 + at));
  charsmap.texts_ = blob.substr(4 + trie_bytes);
  KT_TRY_VOID(charsmap.check(where));
  return charsmap;
}

// Follows every path once; a lookup may then trust the trie.
Result<void> Charsmap::check(std::string_view where) const {
  const auto outside = [&](size_t unit, const char* what) {
    return invalid(std::string(where) + ": unit " + std::to_string(unit) +
                   " of the charsmap's trie points " + what + ": the file is damaged");
  };
  if (first_invalid_utf8(texts_)) {
    return invalid(std::string(where) + ": the charsmap's texts are not UTF-8");
  }
  std::vector<bool> seen(units_.size(), false);
  std::vector<size_t> open = {0};
  seen[0] = true;
  while (!open.empty()) {
    const size_t node = open.back();
    open.pop_back();
    const size_t base = node ^ offset_of(units_[node]);
    if ((base | 0xFF) >= units_.size()) return outside(node, "outside itself");
    if (node != 0 && has_leaf(units_[node])) {
      const size_t text = value_of(units_[base]);
      const bool inside =
          text < texts_.size() && (static_cast<uint8_t>(texts_[text]) & 0xC0) != 0x80;
      if (!inside) return outside(node, "outside its texts");
    }
    for (size_t label = 1; label <= 0xFF; ++label) {
      const size_t next = base ^ label;
      if (label_of(units_[next]) != label || seen[next]) continue;
      seen[next] = true;
      open.push_back(next);
    }
  }
  return {};
}

std::optional<Charsmap::Match> Charsmap::match(std::string_view text, bool first) const {
  std::optional<Match> found;
  size_t node = offset_of(units_[0]);
  for (size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    const uint32_t label = static_cast<uint8_t>(text[i]);
    node ^= label;
    const uint32_t unit = units_[node];
    if (label_of(unit) != label) break;
    node ^= offset_of(unit);
    if (!has_leaf(unit)) continue;
    found = {i + 1, replacement_at(value_of(units_[node]))};
    if (first) break;
  }
  return found;
}

std::string_view Charsmap::replacement_at(size_t at) const {
  const std::string_view rest = std::string_view(texts_).substr(at);
  return rest.substr(0, rest.find('\0'));
}

NormalizerPtr make_charsmap_normalizer(Charsmap charsmap, CharsmapUse use) {
  return std::make_unique<CharsmapNormalizer>(std::move(charsmap), use);
}

}  // namespace kilotoken
