#include "model/text/formats/piece_merges.h"

#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

size_t symbol_bytes(const BpeParts& parts, std::string_view rest) {
  return parts.of_bytes ? 1 : utf8_character(rest).bytes;
}

}  // namespace

void append_merges_by_rank(BpeParts& parts, const std::vector<uint32_t>& ranks) {
  size_t bytes = 0;
  for (const std::string& piece : parts.pieces) bytes += piece.size();
  StringTable ids;
  ids.reserve(parts.pieces.size() + bytes, 2 * bytes);
  for (size_t id = 0; id < parts.token_count; ++id) {
    if (!parts.pieces[id].empty()) ids.put(parts.pieces[id], static_cast<int32_t>(id));
  }
  for (size_t id = 0; id < parts.token_count; ++id) {  // characters that have no token
    const std::string piece = parts.pieces[id];
    for (size_t at = 0; at < piece.size();) {
      const std::string_view rest = std::string_view(piece).substr(at);
      const std::string_view symbol = rest.substr(0, symbol_bytes(parts, rest));
      at += symbol.size();
      if (ids.put(symbol, static_cast<int32_t>(parts.pieces.size()))) {
        parts.pieces.emplace_back(symbol);
      }
    }
  }
  for (size_t id = 0; id < parts.token_count; ++id) {
    const std::string_view piece = parts.pieces[id];
    if (piece.empty() || ids.find(piece) != static_cast<int32_t>(id)) continue;
    for (size_t at = symbol_bytes(parts, piece); at < piece.size();
         at += symbol_bytes(parts, piece.substr(at))) {
      const int32_t left = ids.find(piece.substr(0, at)), right = ids.find(piece.substr(at));
      if (left < 0 || right < 0) continue;
      parts.merges.push_back({left, right, static_cast<int32_t>(id), ranks[id]});
    }
  }
}

}  // namespace kilotoken
