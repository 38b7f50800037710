#include "model/text/sentencepiece.h"

#include <limits>

#include "model/text/utf8.h"

namespace kilotoken {
namespace {

constexpr std::string_view kMark = "\u2581";  // ▁

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t at = 0;;) {
    const size_t found = text.find(from, at);
    out += text.substr(at, found - at);
    if (found == std::string_view::npos) return out;
    out += to;
    at = found + from.size();
  }
}

std::string marked(std::string_view text) { return replaced(text, " ", kMark); }

uint64_t pair_key(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

std::string normalized(std::string_view text, SpacePrefix prefix) {
  std::string out(prefix == SpacePrefix::kAlways ? kMark : "");
  return out += marked(text);
}

}  // namespace

int byte_of_piece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return -1;
  int value = 0;
  for (const char digit : piece.substr(3, 2)) {
    const size_t at = std::string_view("0123456789ABCDEFabcdef").find(digit);
    if (at == std::string_view::npos) return -1;
    value = value * 16 + static_cast<int>(at < 16 ? at : at - 6);
  }
  return value;
}

Result<void> check_unknown_characters(const SentencePieceParts& parts, std::string_view where) {
  std::array<bool, 256> have{};
  bool any = false;
  for (const SentencePieceParts::Piece& piece : parts.pieces) {
    if (piece.byte < 0) continue;
    have[static_cast<size_t>(piece.byte)] = true;
    any = true;
  }
  if (!any && parts.unknown_id < 0) {
    return invalid(std::string(where) +
                   ": the vocabulary has neither byte tokens nor an unknown token, so it cannot "
                   "write every text");
  }
  for (size_t byte = 0; any && byte < have.size(); ++byte) {
    if (!have[byte]) {
      return invalid(std::string(where) + ": the vocabulary has byte tokens, but none for byte " +
                     std::to_string(byte) + ": it is damaged, fetch it again");
    }
  }
  return {};
}

SentencePiece::SentencePiece(SentencePieceParts parts) : parts_(std::move(parts)) {
  std::vector<AddedToken> raw, after_normalizer;
  for (AddedToken token : parts_.added) {
    if (!token.normalized) {
      raw.push_back(std::move(token));
      continue;
    }
    if (parts_.prefix_by_normalizer) {
      token.content = normalized(token.content, parts_.space_prefix);
    }
    after_normalizer.push_back(std::move(token));
  }
  added_ = AddedTokens(std::move(raw));
  normalized_added_ = AddedTokens(std::move(after_normalizer));

  byte_ids_.fill(-1);
  for (size_t i = 0; i < parts_.pieces.size(); ++i) {
    const SentencePieceParts::Piece& piece = parts_.pieces[i];
    const auto id = static_cast<int32_t>(i);
    if (piece.in_model) ids_.emplace(piece.text, id);
    if (piece.byte >= 0) {
      byte_ids_[static_cast<size_t>(piece.byte)] = id;
      has_bytes_ = true;
      bytes_.emplace_back(1, static_cast<char>(piece.byte));
    } else {
      bytes_.push_back(replaced(piece.text, kMark, " "));
    }
  }
  merges_within_words_ = marks_begin_pieces();
  for (size_t rank = 0; rank < parts_.merges.size(); ++rank) {
    const SentencePieceParts::Merge& merge = parts_.merges[rank];
    merges_[pair_key(merge.left, merge.right)] = {static_cast<double>(rank), merge.merged};
  }
}

int32_t SentencePiece::id_of(std::string_view piece) const {
  const auto found = ids_.find(piece);
  return found == ids_.end() ? -1 : found->second;
}

std::optional<BpeMerge> SentencePiece::merge_of(std::string_view text, const BpeSymbol& left,
                                                const BpeSymbol& right) const {
  if (parts_.by_score) {
    const int32_t id = id_of(text.substr(left.begin, left.size + right.size));
    if (id < 0) return std::nullopt;
    return BpeMerge{-static_cast<double>(parts_.scores[static_cast<size_t>(id)]), id};
  }
  if (left.id < 0 || right.id < 0) return std::nullopt;
  const auto found = merges_.find(pair_key(left.id, right.id));
  if (found == merges_.end()) return std::nullopt;
  return found->second;
}

void SentencePiece::append_unknown(std::string_view character, std::vector<int32_t>& ids) const {
  if (has_bytes_) {
    for (const char byte : character) ids.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
  } else {
    ids.push_back(parts_.unknown_id);
  }
}

bool SentencePiece::marks_begin_pieces() const {
  if (id_of(kMark) < 0) return false;
  for (const auto& entry : ids_) {
    std::string_view piece = entry.first;
    while (piece.starts_with(kMark)) piece.remove_prefix(kMark.size());
    if (piece.find(kMark) != piece.npos) return false;
  }
  return true;
}

// Where a mark stands in pieces only before everything else, no merge crosses from a letter to a
// mark: the words between can be merged one by one, each in a small heap.
void SentencePiece::encode_piece(std::string_view text, std::vector<int32_t>& ids) const {
  size_t begin = 0;
  for (size_t at = 0; merges_within_words_;) {
    at = text.find(kMark, at);
    if (at == text.npos) break;
    if (at > begin && !text.substr(0, at).ends_with(kMark)) {
      encode_word(text.substr(begin, at - begin), ids);
      begin = at;
    }
    at += kMark.size();
  }
  encode_word(text.substr(begin), ids);
}

void SentencePiece::encode_word(std::string_view text, std::vector<int32_t>& ids) const {
  std::vector<BpeSymbol> symbols;
  for (size_t at = 0; at < text.size();) {
    const size_t size = utf8_step(text.substr(at)).bytes;
    append_bpe_symbol(symbols, static_cast<uint32_t>(size), id_of(text.substr(at, size)));
    at += size;
  }
  bpe_merge(symbols, [&](const BpeSymbol& left, const BpeSymbol& right) {
    return merge_of(text, left, right);
  });
  bool after_unknown = false;
  for (const BpeSymbol& symbol : symbols) {
    if (symbol.size == 0) continue;
    const bool unknown = symbol.id < 0 && !has_bytes_;
    if (symbol.id >= 0) {
      ids.push_back(symbol.id);
    } else if (!(unknown && after_unknown && parts_.fuse_unknown)) {
      append_unknown(text.substr(symbol.begin, symbol.size), ids);
    }
    after_unknown = unknown;
  }
}

void SentencePiece::encode_segment(std::string_view text, bool first,
                                   std::vector<int32_t>& ids) const {
  std::string normal;
  if (parts_.prefix_by_normalizer) {
    normal = normalized(text, parts_.space_prefix);
    text = normal;
  }
  for (const AddedTokens::Segment& segment : normalized_added_.split(text)) {
    const std::string_view piece = text.substr(segment.begin, segment.end - segment.begin);
    if (segment.id >= 0) {
      ids.push_back(segment.id);
    } else if (parts_.prefix_by_normalizer) {
      encode_piece(piece, ids);
    } else {
      std::string with_marks = marked(piece);
      const bool wanted =
          parts_.space_prefix == SpacePrefix::kUnlessPresent ||
          (parts_.space_prefix == SpacePrefix::kFirstUnlessPresent && first && segment.begin == 0);
      if (wanted && !with_marks.starts_with(kMark)) with_marks.insert(0, kMark);
      encode_piece(with_marks, ids);
    }
  }
}

Result<std::vector<int32_t>> SentencePiece::encode(std::string_view text,
                                                   bool add_special_tokens) const {
  constexpr size_t kMostBytes = 512 << 20;  // offsets are 32-bit, and a mark is three bytes
  if (text.size() > kMostBytes) {
    return Error{ErrorCode::kTooLarge,
                 "text of " + std::to_string(text.size()) + " bytes: the tokenizer takes up to " +
                     std::to_string(kMostBytes) + "; send less",
                 {}};
  }
  if (const auto at = first_invalid_utf8(text)) {
    return invalid("text is not UTF-8 at byte " + std::to_string(*at) + ": send it as UTF-8");
  }
  std::vector<int32_t> ids;
  if (add_special_tokens) ids = parts_.before;
  for (const AddedTokens::Segment& segment : added_.split(text)) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
    } else {
      encode_segment(text.substr(segment.begin, segment.end - segment.begin), segment.begin == 0,
                     ids);
    }
  }
  if (add_special_tokens) ids.insert(ids.end(), parts_.after.begin(), parts_.after.end());
  return ids;
}

std::string SentencePiece::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  std::string bytes, text;
  for (const int32_t id : ids) {
    if (skip_special_tokens && is_special(id)) continue;
    bytes += token_bytes(id);
  }
  append_utf8(text, bytes, true);
  if (parts_.strips_leading_space && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::string_view SentencePiece::token_bytes(int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  return bytes_[static_cast<size_t>(id)];
}

bool SentencePiece::is_special(int32_t id) const {
  return id >= 0 && id < vocab_size() && parts_.pieces[static_cast<size_t>(id)].special;
}

}  // namespace kilotoken
