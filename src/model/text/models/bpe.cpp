#include "model/text/models/bpe.h"

#include <algorithm>

#include "base/check.h"
#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

constexpr std::string_view kMark = "\u2581";  // ▁, SentencePiece's space

class Bpe final : public TextModel {
 public:
  explicit Bpe(BpeParts parts);
  Result<void> encode(std::string_view text, std::vector<int32_t>& ids,
                      ModelScratch& scratch) const override;

 private:
  bool marks_begin_pieces() const;
  void find_whole_pieces();
  int32_t id_of(std::string_view symbol, bool first, bool last) const;
  void append_symbols(std::string_view word, std::vector<int32_t>& symbols) const;
  bool append_bytes(std::string_view character, std::vector<int32_t>& symbols) const;
  void encode_word(std::string_view word, std::vector<int32_t>& ids, ModelScratch& scratch) const;
  void append_merged(const std::vector<int32_t>& merged, std::vector<int32_t>& ids) const;

  const BpeParts parts_;
  bool affixes_;
  StringTable table_;
  PairTable merges_;
  std::array<int32_t, 256> first_ids_;  // of the symbols of one byte
  std::vector<bool> whole_;             // by id: merging this piece's symbols gives the piece
  bool splits_at_marks_ = false;
};

Bpe::Bpe(BpeParts parts)
    : parts_(std::move(parts)), affixes_(!parts_.prefix.empty() || !parts_.suffix.empty()) {
  size_t bytes = 0;
  for (const std::string& piece : parts_.pieces) bytes += piece.size();
  table_.reserve(parts_.pieces.size(), bytes);
  first_ids_.fill(-1);
  for (size_t i = 0; i < parts_.pieces.size(); ++i) {
    const std::string& piece = parts_.pieces[i];
    if (piece.empty() || !table_.put(piece, static_cast<int32_t>(i))) continue;
    const auto byte = static_cast<uint8_t>(piece[0]);
    if (piece.size() == 1) first_ids_[byte] = static_cast<int32_t>(i);
  }
  merges_.reserve(parts_.merges.size());
  for (const BpeParts::Merge& merge : parts_.merges) {
    KT_CHECK(merge.merged >= 0 && static_cast<size_t>(merge.merged) < parts_.pieces.size());
    merges_.put(merge.left, merge.right, {merge.rank, merge.merged});
  }
  splits_at_marks_ = marks_begin_pieces();
  find_whole_pieces();
}

// Where a mark stands in pieces only before everything else, no merge crosses from a letter to a
// mark: the words between can be merged one by one.
bool Bpe::marks_begin_pieces() const {
  if (parts_.of_bytes || affixes_ || table_.find(kMark) < 0) return false;
  return std::ranges::none_of(parts_.merges, [&](const BpeParts::Merge& merge) {
    const std::string& left = parts_.pieces[static_cast<size_t>(merge.left)];
    const std::string& right = parts_.pieces[static_cast<size_t>(merge.right)];
    return right.starts_with(kMark) && !left.ends_with(kMark);
  });
}

void Bpe::find_whole_pieces() {
  whole_.assign(parts_.pieces.size(), false);
  if (affixes_) return;
  ModelScratch scratch;
  std::vector<int32_t>& symbols = scratch.bpe.ids;
  for (size_t i = 0; i < parts_.token_count; ++i) {
    const auto id = static_cast<int32_t>(i);
    const std::string& piece = parts_.pieces[i];
    if (piece.empty() || table_.find(piece) != id) continue;
    symbols.clear();
    append_symbols(piece, symbols);
    bpe_merge(merges_, scratch.bpe);
    whole_[i] = symbols.size() == 1 && symbols[0] == id;
  }
}

int32_t Bpe::id_of(std::string_view symbol, bool first, bool last) const {
  if (!affixes_) {
    return symbol.size() == 1 ? first_ids_[static_cast<uint8_t>(symbol[0])] : table_.find(symbol);
  }
  std::string text;
  if (!first) text += parts_.prefix;
  text += symbol;
  if (last) text += parts_.suffix;
  return table_.find(text);
}

bool Bpe::append_bytes(std::string_view character, std::vector<int32_t>& symbols) const {
  for (const char byte : character) {
    if (parts_.byte_ids[static_cast<uint8_t>(byte)] < 0) return false;
  }
  for (const char byte : character) symbols.push_back(parts_.byte_ids[static_cast<uint8_t>(byte)]);
  return true;
}

void Bpe::append_symbols(std::string_view word, std::vector<int32_t>& symbols) const {
  bool unknown = false;  // one is still to be put down
  for (size_t at = 0; at < word.size();) {
    const size_t size = parts_.of_bytes ? 1 : utf8_character(word.substr(at)).bytes;
    const std::string_view symbol = word.substr(at, size);
    const int32_t id = id_of(symbol, at == 0, at + size == word.size());
    at += size;
    if (id >= 0) {
      if (unknown) symbols.push_back(parts_.unknown_id);
      unknown = false;
      symbols.push_back(id);
    } else if (!append_bytes(symbol, symbols) && parts_.unknown_id >= 0) {
      if (unknown && !parts_.fuse_unknown) symbols.push_back(parts_.unknown_id);
      unknown = true;
    }
  }
  if (unknown) symbols.push_back(parts_.unknown_id);
}

// A character without a token that is left over becomes bytes or unknown.
void Bpe::append_merged(const std::vector<int32_t>& merged, std::vector<int32_t>& ids) const {
  if (parts_.pieces.size() == parts_.token_count) {
    ids.insert(ids.end(), merged.begin(), merged.end());
    return;
  }
  bool after_unknown = false;
  for (const int32_t id : merged) {
    const bool has_token = static_cast<size_t>(id) < parts_.token_count;
    if (has_token && id != parts_.unknown_id) {
      ids.push_back(id);
      after_unknown = false;
    } else if (has_token || !append_bytes(parts_.pieces[static_cast<size_t>(id)], ids)) {
      if (parts_.unknown_id >= 0 && !(after_unknown && parts_.fuse_unknown)) {
        ids.push_back(parts_.unknown_id);
      }
      after_unknown = true;
    } else {
      after_unknown = false;
    }
  }
}

void Bpe::encode_word(std::string_view word, std::vector<int32_t>& ids,
                      ModelScratch& scratch) const {
  if (!affixes_) {
    const int32_t id = table_.find(word);
    if (id >= 0 && whole_[static_cast<size_t>(id)]) {
      ids.push_back(id);
      return;
    }
  }
  std::vector<int32_t>& symbols = scratch.bpe.ids;
  symbols.clear();
  append_symbols(word, symbols);
  bpe_merge(merges_, scratch.bpe);
  append_merged(symbols, ids);
}

Result<void> Bpe::encode(std::string_view text, std::vector<int32_t>& ids,
                         ModelScratch& scratch) const {
  if (parts_.ignore_merges) {
    const int32_t id = table_.find(text);
    if (id >= 0 && static_cast<size_t>(id) < parts_.token_count) {
      ids.push_back(id);
      return {};
    }
  }
  size_t begin = 0;
  for (size_t at = 0; splits_at_marks_;) {
    at = text.find(kMark, at);
    if (at == text.npos) break;
    if (at > begin && !text.substr(0, at).ends_with(kMark)) {
      encode_word(text.substr(begin, at - begin), ids, scratch);
      begin = at;
    }
    at += kMark.size();
  }
  encode_word(text.substr(begin), ids, scratch);
  return {};
}

}  // namespace

std::unique_ptr<TextModel> make_bpe(BpeParts parts) {
  return std::make_unique<Bpe>(std::move(parts));
}

}  // namespace kilotoken
