#include "serve/api/token_output.h"

#include <algorithm>

#include "model/text/unicode/utf8.h"

namespace kilotoken {

float shown_logprob(float logprob) {
  constexpr float kLowest = -9999.0f;
  return std::max(logprob, kLowest);
}

std::string token_text(const Tokenizer* tokenizer, int32_t token, bool as_id) {
  if (as_id || !tokenizer) return "token_id:" + std::to_string(token);
  const std::string_view bytes = tokenizer->token_bytes(token);
  if (!first_invalid_utf8(bytes)) return std::string(bytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "bytes:";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += "\\x";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

OrderedJson prompt_logprobs_json(const std::vector<TokenLogprob>& positions,
                                 const Tokenizer* tokenizer, int most) {
  OrderedJson list = OrderedJson::array({nullptr});
  for (const TokenLogprob& position : positions) {
    OrderedJson entry = OrderedJson::object();
    const auto add = [&](int32_t token, float logprob, int rank) {
      entry.emplace(std::to_string(token),
                    OrderedJson{{"logprob", shown_logprob(logprob)},
                                {"rank", rank},
                                {"decoded_token", token_text(tokenizer, token, false)}});
    };
    add(position.token, position.logprob, position.rank);
    int rank = 0;
    for (const auto& [token, logprob] : position.top) {
      if (++rank > most) break;
      add(token, logprob, rank);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

OrderedJson usage_json(int prompt_tokens, int cached_tokens, int completion_tokens) {
  return {{"prompt_tokens", prompt_tokens},
          {"completion_tokens", completion_tokens},
          {"total_tokens", prompt_tokens + completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", cached_tokens}}},
          {"completion_tokens_details",
           {{"reasoning_tokens", 0},
            {"accepted_prediction_tokens", 0},
            {"rejected_prediction_tokens", 0}}}};
}

}  // namespace kilotoken
