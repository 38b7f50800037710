#include "model/text/added_tokens.h"

#include <algorithm>

#include "base/check.h"
#include "model/text/unicode/characters.h"
#include "model/text/unicode/utf8.h"

namespace kilotoken {

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  size_t bytes = 0;
  for (const AddedToken& token : tokens_) bytes += token.content.size();
  trie_.reserve(bytes);
  for (size_t i = tokens_.size(); i-- > 0;) {
    const std::string& content = tokens_[i].content;
    KT_CHECK(!content.empty(), "an added token has text");
    begins_[static_cast<unsigned char>(content[0])] = true;
    trie_.put(content, static_cast<int32_t>(i));
  }
}

const AddedToken* AddedTokens::match(std::string_view rest) const {
  const AddedToken* longest = nullptr;
  trie_.each_prefix(rest, [&](size_t, int32_t i) { longest = &tokens_[static_cast<size_t>(i)]; });
  return longest;
}

bool AddedTokens::stands_alone(std::string_view text, size_t begin, size_t end) {
  if (begin > 0 && is_word_character(last_utf8_character(text.substr(0, begin)).code)) return false;
  return end == text.size() || !is_word_character(utf8_character(text.substr(end)).code);
}

std::vector<AddedTokens::Segment> AddedTokens::split(std::string_view text,
                                                     bool specials_as_text) const {
  std::vector<Segment> segments;
  size_t taken = 0;  // everything before is in a segment
  size_t spaces_begin = 0, spaces_end = 0;
  const auto past_spaces = [&](size_t place) {
    if (place < spaces_begin || place > spaces_end) {
      spaces_begin = place;
      spaces_end = place + leading_space_bytes(text.substr(place));
    }
    return spaces_end;
  };
  for (size_t at = 0; at < text.size();) {
    const bool possible = begins_[static_cast<unsigned char>(text[at])];
    const AddedToken* token = possible ? match(text.substr(at)) : nullptr;
    if (!token) {
      ++at;
      continue;
    }
    // What white space a token takes along may itself be another token.
    size_t begin = at, end = at + token->content.size();
    at = end;
    if (specials_as_text && token->special) continue;
    if (token->single_word && !stands_alone(text, begin, end)) continue;
    if (token->lstrip && begin < taken) begin = taken;
    if (token->lstrip) begin -= trailing_space_bytes(text.substr(taken, begin - taken));
    if (token->rstrip) end = past_spaces(end);
    if (begin > taken) segments.push_back({taken, begin, -1});
    segments.push_back({begin, end, token->id});
    taken = end;
  }
  if (taken < text.size()) segments.push_back({taken, text.size(), -1});
  return segments;
}

}  // namespace kilotoken
