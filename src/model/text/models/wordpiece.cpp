#include "model/text/models/wordpiece.h"

#include <algorithm>

#include "base/check.h"
#include "model/text/models/piece_trie.h"

namespace kilotoken {
namespace {

size_t bytes_of(const std::vector<std::string>& pieces) {
  size_t bytes = 0;
  for (const std::string& piece : pieces) bytes += piece.size();
  return bytes;
}

class WordPiece final : public TextModel {
 public:
  explicit WordPiece(const WordPieceParts& parts)
      : unknown_id_(parts.unknown_id), most_characters_(parts.most_characters) {
    KT_CHECK(unknown_id_ >= 0, "a word that cannot be made needs a token");
    trie_.reserve(bytes_of(parts.pieces));
    for (size_t i = 0; i < parts.pieces.size(); ++i) {
      if (!parts.pieces[i].empty()) trie_.put(parts.pieces[i], static_cast<int32_t>(i));
    }
    continued_ = trie_.node_of(parts.prefix);
  }

  Result<void> encode(std::string_view text, std::vector<int32_t>& ids,
                      ModelScratch&) const override {
    const auto characters = std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    const size_t before = ids.size();
    bool whole = static_cast<size_t>(characters) <= most_characters_;
    for (size_t at = 0; whole && at < text.size();) {
      size_t longest = 0;
      int32_t best = -1;
      trie_.walk(at == 0 ? 0 : continued_, text.substr(at), [&](size_t bytes, int32_t id) {
        longest = bytes;
        best = id;
      });
      whole = best >= 0;
      if (whole) ids.push_back(best);
      at += longest;
    }
    if (!whole) {
      ids.resize(before);
      ids.push_back(unknown_id_);
    }
    return {};
  }

 private:
  int32_t unknown_id_;
  size_t most_characters_;
  PieceTrie trie_;
  int32_t continued_;  // the trie's node after the prefix
};

class WordLevel final : public TextModel {
 public:
  explicit WordLevel(const WordPieceParts& parts) : unknown_id_(parts.unknown_id) {
    KT_CHECK(unknown_id_ >= 0, "a word that is no piece needs a token");
    words_.reserve(parts.pieces.size(), bytes_of(parts.pieces));
    for (size_t i = 0; i < parts.pieces.size(); ++i) {
      if (!parts.pieces[i].empty()) words_.put(parts.pieces[i], static_cast<int32_t>(i));
    }
  }
  Result<void> encode(std::string_view text, std::vector<int32_t>& ids,
                      ModelScratch&) const override {
    const int32_t id = words_.find(text);
    ids.push_back(id >= 0 ? id : unknown_id_);
    return {};
  }

 private:
  int32_t unknown_id_;
  StringTable words_;
};

}  // namespace

std::unique_ptr<TextModel> make_wordpiece(const WordPieceParts& parts) {
  return std::make_unique<WordPiece>(parts);
}

std::unique_ptr<TextModel> make_wordlevel(const WordPieceParts& parts) {
  return std::make_unique<WordLevel>(parts);
}

}  // namespace kilotoken
