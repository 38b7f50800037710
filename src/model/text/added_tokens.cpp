#include "model/text/added_tokens.h"

#include <algorithm>

#include "base/check.h"
#include "model/text/utf8.h"

namespace kilotoken {

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::ranges::stable_sort(tokens_, std::ranges::greater{},
                           [](const AddedToken& token) { return token.content.size(); });
  for (uint32_t i = 0; i < tokens_.size(); ++i) {
    KT_CHECK(!tokens_[i].content.empty(), "an added token has text");
    by_first_[static_cast<unsigned char>(tokens_[i].content[0])].push_back(i);
  }
}

const AddedToken* AddedTokens::match(std::string_view rest) const {
  for (const uint32_t i : by_first_[static_cast<unsigned char>(rest[0])]) {
    if (rest.starts_with(tokens_[i].content)) return &tokens_[i];
  }
  return nullptr;
}

std::vector<AddedTokens::Segment> AddedTokens::split(std::string_view text) const {
  std::vector<Segment> segments;
  size_t taken = 0;  // everything before is in a segment
  for (size_t at = 0; at < text.size();) {
    const AddedToken* token = match(text.substr(at));
    if (!token) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + token->content.size();
    if (token->lstrip) begin -= trailing_space_bytes(text.substr(taken, begin - taken));
    if (token->rstrip) end += leading_space_bytes(text.substr(end));
    if (begin > taken) segments.push_back({taken, begin, -1});
    segments.push_back({begin, end, token->id});
    at = taken = end;
  }
  if (taken < text.size()) segments.push_back({taken, text.size(), -1});
  return segments;
}

}  // namespace kilotoken
