#include "model/text/formats/byte_level.h"

#include "model/text/byte_alphabet.h"
#include "model/text/formats/piece_merges.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

Result<void> read_merges(const ByteLevelParts& parts, std::string_view where, BpeParts& bpe) {
  size_t bytes = 0;
  for (const TokenizerParts::Token& token : parts.tokens) bytes += token.text.size();
  StringTable ids;
  ids.reserve(parts.tokens.size(), bytes);
  for (size_t id = 0; id < parts.tokens.size(); ++id) {
    ids.put(parts.tokens[id].text, static_cast<int32_t>(id));
  }
  for (size_t i = 0; i < parts.merges.size(); ++i) {
    const std::string_view merge = parts.merges[i];
    const std::string name = std::string(where) + ": merge " + std::to_string(i) + " ";
    const size_t space = merge.find(' ');
    if (space == merge.npos || merge.find(' ', space + 1) != merge.npos) {
      return invalid(name + "is not \"left right\": " + printable(merge));
    }
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    const std::string whole = std::string(left).append(right);
    const int32_t ends[] = {ids.find(left), ids.find(right), ids.find(whole)};
    for (const int32_t id : ends) {
      if (id >= 0) continue;
      return invalid(name + printable(merge) +
                     " needs a token that is not in the vocabulary: the file is damaged");
    }
    bpe.merges.push_back({ends[0], ends[1], ends[2], static_cast<uint32_t>(i)});
  }
  return {};
}

Result<PreTokenizerPtr> splits(const SplitPatterns& split, std::string_view where) {
  std::vector<PreTokenizerPtr> steps;
  for (const std::string_view pattern : split.patterns) {
    KT_TRY(PreTokenizerPtr step, make_split(pattern, true, Delimiters::kIsolated, false, where));
    steps.push_back(std::move(step));
  }
  return make_sequence(std::move(steps));
}

}  // namespace

PostProcessor surrounded(const std::vector<int32_t>& before, const std::vector<int32_t>& after) {
  const auto around = [&](TemplatePart::Kind text, int32_t type, std::vector<TemplatePart>& list) {
    for (const int32_t id : before) list.push_back({TemplatePart::kToken, id, type});
    list.push_back({text, -1, type});
    for (const int32_t id : after) list.push_back({TemplatePart::kToken, id, type});
  };
  PostProcessor out;
  out.single.clear();
  out.pair.clear();
  around(TemplatePart::kFirst, 0, out.single);
  around(TemplatePart::kFirst, 0, out.pair);
  around(TemplatePart::kSecond, 1, out.pair);
  return out;
}

Result<std::unique_ptr<Tokenizer>> make_byte_level_tokenizer(ByteLevelParts parts,
                                                             std::string_view where) {
  BpeParts bpe;
  bpe.of_bytes = true;
  bpe.ignore_merges = parts.split.ignore_merges;
  for (const TokenizerParts::Token& token : parts.tokens) {
    bpe.pieces.push_back(from_byte_alphabet(token.text).value_or(""));
    if (parts.by_rank && token.text.size() > kMostPieceBytes) {
      return invalid(std::string(where) + ": a token of " + std::to_string(token.text.size()) +
                     " bytes, up to " + std::to_string(kMostPieceBytes) + " are taken");
    }
  }
  for (const AddedToken& added : parts.added) bpe.pieces[static_cast<size_t>(added.id)].clear();
  bpe.token_count = bpe.pieces.size();
  if (parts.by_rank) {
    std::vector<uint32_t> ranks;
    for (uint32_t id = 0; id < bpe.token_count; ++id) ranks.push_back(id);
    append_merges_by_rank(bpe, ranks);
  } else {
    KT_TRY_VOID(read_merges(parts, where, bpe));
  }
  TokenizerParts out;
  out.model = make_bpe(std::move(bpe));
  KT_TRY(out.pre_tokenizer, splits(parts.split, where));
  out.post_processor = surrounded(parts.before, parts.after);
  std::vector<DecoderStep> decoder(1);
  decoder[0].kind = DecoderStep::kByteLevel;
  KT_TRY(out.decoder, Decoder::make(std::move(decoder), where));
  out.tokens = std::move(parts.tokens);
  out.added = std::move(parts.added);
  return make_tokenizer(std::move(out), where);
}

}  // namespace kilotoken
