#pragma once
// TokenTable: a vocabulary while its ids arrive in any order.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/text/tokenizer_parts.h"

namespace kilotoken {

class TokenTable {
 public:
  // `count`: how many tokens there will be.
  TokenTable(std::string_view where, size_t count)
      : where_(where), tokens_(count), in_model_(count), set_(count) {}

  // kInvalid: no id, or one that another token has.
  Result<void> put(const std::string& text, const Json& id, bool in_model, bool special);
  // kInvalid unless there is a token for every id.
  Result<void> check_gaps() const;

  std::vector<TokenizerParts::Token>& tokens() { return tokens_; }
  bool in_model(size_t id) const { return in_model_[id]; }

 private:
  std::string where_;
  std::vector<TokenizerParts::Token> tokens_;
  std::vector<bool> in_model_, set_;
  uint64_t largest_ = 0;
};

}  // namespace kilotoken
