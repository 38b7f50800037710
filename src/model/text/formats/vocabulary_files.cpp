#include "model/text/formats/vocabulary_files.h"

#include <algorithm>

#include "model/text/byte_alphabet.h"
#include "model/text/formats/byte_level.h"
#include "model/text/formats/config_tokens.h"
#include "model/text/formats/token_table.h"
#include "model/text/unicode/base64.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

// The next line of `text`, without its end.
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// An added token may name an id that the vocabulary lacks; ids between are tokens without a text.
Result<void> read_added_tokens(const Json& config, std::string_view where, ByteLevelParts& parts) {
  KT_TRY(std::vector<AddedToken> tokens,
         added_tokens_from_config(config, parts.tokens.size(), where));
  for (AddedToken& added : tokens) {
    const auto place = static_cast<size_t>(added.id);
    if (place >= parts.tokens.size()) parts.tokens.resize(place + 1);
    const std::string& known = parts.tokens[place].text;
    if (!known.empty() && known != added.content) {
      return invalid(std::string(where) + ": id " + std::to_string(added.id) +
                     " belongs to two tokens, " + printable(known) + " and " +
                     printable(added.content));
    }
    parts.tokens[place] = {added.content, added.special};
    parts.added.push_back(std::move(added));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_vocab_and_merges(const Json& vocab,
                                                                   std::string_view merges,
                                                                   const Json& tokenizer_config,
                                                                   std::string_view where) {
  if (!vocab.is_object()) return invalid(std::string(where) + ": the vocabulary is not an object");
  TokenTable table(where, vocab.size());
  for (const auto& [text, id] : vocab.items()) KT_TRY_VOID(table.put(text, id, true, false));
  KT_TRY_VOID(table.check_gaps());
  ByteLevelParts parts;
  parts.tokens = std::move(table.tokens());
  while (!merges.empty()) {
    const std::string_view line = take_line(merges);
    if (line.empty() || (parts.merges.empty() && line.starts_with("#version"))) continue;
    parts.merges.emplace_back(line);
  }
  KT_TRY_VOID(read_added_tokens(tokenizer_config, where, parts));
  const FindToken find = [&parts](std::string_view text) -> std::optional<int32_t> {
    const auto found = std::ranges::find(parts.tokens, text, &TokenizerParts::Token::text);
    if (found == parts.tokens.end()) return std::nullopt;
    return static_cast<int32_t>(found - parts.tokens.begin());
  };
  const ConfigEnd beginning{"add_bos_token", "bos_token", false, ""};
  KT_TRY(parts.before, ids_at_end(tokenizer_config, beginning, find, where));
  parts.split = *split_patterns("gpt-2");
  return make_byte_level_tokenizer(std::move(parts), where);
}

Result<std::unique_ptr<Tokenizer>> tokenizer_from_tiktoken(std::string_view ranks,
                                                           std::string_view pattern,
                                                           const Json& tokenizer_config,
                                                           std::string_view where) {
  const auto split = split_patterns(pattern);
  if (!split) {
    return Error{
        ErrorCode::kUnsupported,
        std::string(where) + ": pattern " + printable(pattern) + " is not in this build yet",
        {}};
  }
  ByteLevelParts parts;
  parts.by_rank = true;
  parts.split = *split;
  const size_t most_lines = ranks.size() / std::string_view("YQ== 0\n").size() + 1;
  for (size_t number = 1; !ranks.empty(); ++number) {
    const std::string_view line = take_line(ranks);
    if (line.empty()) continue;
    const std::string place = std::string(where) + ": line " + std::to_string(number);
    const size_t space = std::min(line.find(' '), line.size());
    const auto bytes = bytes_from_base64(line.substr(0, space));
    if (!bytes || bytes->empty() || space == line.size()) {
      return invalid(place + " is not a token in base64 with its rank");
    }
    KT_TRY(const int32_t id, token_id_from_text(line.substr(space + 1), place));
    KT_TRY_VOID(check_id_gap(id, most_lines, place));
    const auto at = static_cast<size_t>(id);
    if (at >= parts.tokens.size()) parts.tokens.resize(at + 1);
    if (!parts.tokens[at].text.empty()) {
      return invalid(place + ": rank " + std::to_string(id) + " belongs to two tokens");
    }
    parts.tokens[at].text = in_byte_alphabet(*bytes);
  }
  if (parts.tokens.empty()) return invalid(std::string(where) + ": holds no tokens");
  KT_TRY_VOID(read_added_tokens(tokenizer_config, where, parts));
  return make_byte_level_tokenizer(std::move(parts), where);
}

}  // namespace kilotoken
