#pragma once
// Merges for a vocabulary that has none written down, only an order of its pieces: two neighbours
// merge where together they are a piece, the first piece in that order first (SentencePiece's BPE
// by score, tiktoken by rank).

#include <cstdint>
#include <vector>

#include "model/text/models/bpe.h"

namespace kilotoken {

constexpr size_t kMostPieceBytes = 1024;  // so that the merges stay within bounds

// Adds to `parts` (pieces, token_count and of_bytes are there, no piece longer than
// kMostPieceBytes) a merge for every place where a piece falls into two, and the characters that
// have no token of their own. `ranks`: by id, less comes first.
void append_merges_by_rank(BpeParts& parts, const std::vector<uint32_t>& ranks);

}  // namespace kilotoken
