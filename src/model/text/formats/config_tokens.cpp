#include "model/text/formats/config_tokens.h"

#include <charconv>

#include "model/text/formats/json_parts.h"
#include "model/weights/printable.h"

namespace kilotoken {

Result<int32_t> token_id_from_text(std::string_view number, std::string_view where) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
  if (error == std::errc() && end == number.data() + number.size() && id >= 0 &&
      id < kMostTokenIds) {
    return id;
  }
  return invalid(std::string(where) + ": " + printable(number) + " is not an id from 0 to " +
                 std::to_string(kMostTokenIds - 1));
}

Result<void> check_id_gap(int32_t id, size_t tokens, std::string_view where) {
  constexpr size_t kMostGaps = 16 << 10;
  if (static_cast<size_t>(id) < tokens + kMostGaps) return {};
  return invalid(std::string(where) + ": " + std::to_string(id) +
                 " is not an id of a vocabulary of " + std::to_string(tokens) +
                 " tokens: the file is damaged");
}

Result<std::vector<AddedToken>> added_tokens_from_config(const Json& config, size_t vocabulary,
                                                         std::string_view where) {
  std::vector<AddedToken> tokens;
  const JsonParts root(config, where);
  if (!config.is_object() || !root.find("added_tokens_decoder")) return tokens;
  KT_TRY(const JsonParts list, root.object("added_tokens_decoder"));
  for (const auto& [number, json] : list.json().items()) {
    AddedToken added;
    KT_TRY(added.id, token_id_from_text(number, where));
    KT_TRY_VOID(check_id_gap(added.id, vocabulary + list.json().size(), where));
    const JsonParts token(json, std::string(where) + ": added token");
    KT_TRY(added.content, token.string_or("content", ""));
    if (added.content.empty())
      return invalid(std::string(where) + ": an added token has no content");
    KT_TRY(added.special, token.boolean_or("special", false));
    KT_TRY(added.single_word, token.boolean_or("single_word", false));
    KT_TRY(added.lstrip, token.boolean_or("lstrip", false));
    KT_TRY(added.rstrip, token.boolean_or("rstrip", false));
    KT_TRY(added.normalized, token.boolean_or("normalized", !added.special));
    tokens.push_back(std::move(added));
  }
  return tokens;
}

Result<std::vector<int32_t>> ids_at_end(const Json& config, const ConfigEnd& end,
                                        const FindToken& find, std::string_view where) {
  bool adds = end.adds, asked = false;
  std::string text = end.text;
  if (config.is_object()) {
    const JsonParts root(config, where);
    asked = root.find(end.flag) != nullptr;
    KT_TRY(adds, root.boolean_or(end.flag, end.adds));
    const Json* token = root.find(end.token);
    if (token && token->is_object()) {
      KT_TRY(text, JsonParts(*token, where).string_or("content", ""));
    } else {
      KT_TRY(text, root.string_or(end.token, text));
    }
  }
  std::vector<int32_t> ids;
  if (!adds) return ids;
  if (const auto id = text.empty() ? std::nullopt : find(text)) {
    ids.push_back(*id);
  } else if (asked) {
    return invalid(std::string(where) + ": " + end.flag + " is true, but there is no token " +
                   end.token + " " + printable(text));
  }
  return ids;
}

}  // namespace kilotoken
