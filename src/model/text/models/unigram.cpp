#include "model/text/models/unigram.h"

#include <algorithm>
#include <limits>

#include "model/text/models/piece_trie.h"
#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

constexpr double kUnknownPenalty = 10.0;  // below the least likely piece
constexpr uint32_t kNowhere = UINT32_MAX;

class Unigram final : public TextModel {
 public:
  explicit Unigram(UnigramParts parts) : unknown_id_(parts.unknown_id), byte_ids_(parts.byte_ids) {
    size_t bytes = 0;
    double least = std::numeric_limits<double>::infinity();
    for (const UnigramParts::Piece& piece : parts.pieces) {
      bytes += piece.text.size();
      least = std::min(least, piece.score);
      scores_.push_back(piece.score);
    }
    unknown_score_ = least - kUnknownPenalty;
    trie_.reserve(bytes);
    table_.reserve(parts.pieces.size(), bytes);
    for (size_t i = parts.pieces.size(); i-- > 0;) {  // of equal pieces the last one counts
      const std::string& text = parts.pieces[i].text;
      const auto id = static_cast<int32_t>(i);
      if (!text.empty() && table_.put(text, id)) trie_.put(text, id);
    }
  }

  Result<void> encode(std::string_view text, std::vector<int32_t>& ids,
                      ModelScratch& scratch) const override {
    if (!find_best_paths(text, scratch.paths)) {
      return invalid(
          "the tokenizer has neither a piece for a character of this text nor an unknown "
          "token: send another text");
    }
    const auto first = static_cast<ptrdiff_t>(ids.size());
    // From the end to the beginning; unknown pieces in a row are one.
    size_t unknown_end = 0;
    for (size_t end = text.size(); end > 0;) {
      const ModelScratch::Path& path = scratch.paths[end];
      if (path.id == unknown_id_) {
        if (unknown_end == 0) unknown_end = end;
      } else {
        if (unknown_end > 0) append_unknown(text.substr(end, unknown_end - end), ids);
        unknown_end = 0;
        ids.push_back(path.id);
      }
      end = path.from;
    }
    if (unknown_end > 0) append_unknown(text.substr(0, unknown_end), ids);
    std::reverse(ids.begin() + first, ids.end());
    return {};
  }

 private:
  // False if the text needs an unknown token that the vocabulary lacks.
  bool find_best_paths(std::string_view text, std::vector<ModelScratch::Path>& paths) const {
    paths.assign(text.size() + 1, {0.0, -1, kNowhere});
    for (size_t at = 0; at < text.size();) {
      const double so_far = paths[at].score;
      const size_t character = utf8_character(text.substr(at)).bytes;
      bool has_piece = false;
      const auto offer = [&](size_t bytes, int32_t id, double score) {
        ModelScratch::Path& path = paths[at + bytes];
        if (path.from == kNowhere || so_far + score > path.score) {
          path = {so_far + score, id, static_cast<uint32_t>(at)};
        }
      };
      trie_.each_prefix(text.substr(at), [&](size_t bytes, int32_t id) {
        offer(bytes, id, scores_[static_cast<size_t>(id)]);
        has_piece |= bytes == character;
      });
      if (!has_piece) {
        if (unknown_id_ < 0) return false;
        offer(character, unknown_id_, unknown_score_);
      }
      at += character;
    }
    return true;
  }

  // Last byte first: the ids are turned around afterwards.
  void append_unknown(std::string_view text, std::vector<int32_t>& ids) const {
    const int32_t known = table_.find(text);
    const bool bytes = std::ranges::all_of(
        text, [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)] >= 0; });
    if (known >= 0) {
      ids.push_back(known);
    } else if (bytes) {
      for (size_t i = text.size(); i-- > 0;) {
        ids.push_back(byte_ids_[static_cast<uint8_t>(text[i])]);
      }
    } else {
      ids.push_back(unknown_id_);
    }
  }

  int32_t unknown_id_;
  std::array<int32_t, 256> byte_ids_;
  double unknown_score_ = 0;
  std::vector<double> scores_;
  PieceTrie trie_;
  StringTable table_;
};

}  // namespace

std::unique_ptr<TextModel> make_unigram(UnigramParts parts) {
  return std::make_unique<Unigram>(std::move(parts));
}

}  // namespace kilotoken
