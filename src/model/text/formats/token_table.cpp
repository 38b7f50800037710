#include "model/text/formats/token_table.h"

#include <algorithm>
#include <limits>

#include "model/weights/printable.h"

namespace kilotoken {

Result<void> TokenTable::put(const std::string& text, const Json& id_json, bool in_model,
                             bool special) {
  if (!id_json.is_number_unsigned() ||
      id_json.get<uint64_t>() > uint64_t{std::numeric_limits<int32_t>::max()}) {
    return invalid(where_ + ": the id of token " + printable(text) +
                   " is not a number from 0 to 2147483647");
  }
  const auto id = id_json.get<uint64_t>();
  largest_ = std::max(largest_, id);
  if (id >= tokens_.size()) return {};  // leaves a gap below: check_gaps() names it
  if (set_[id]) {
    return invalid(where_ + ": id " + std::to_string(id) + " belongs to two tokens, " +
                   printable(tokens_[id].text) + " and " + printable(text) +
                   ": the vocabulary is damaged, fetch it again");
  }
  set_[id] = true;
  in_model_[id] = in_model;
  tokens_[id] = {.text = text, .special = special};
  return {};
}

Result<void> TokenTable::check_gaps() const {
  const auto gap = std::ranges::find(set_, false);
  if (gap == set_.end()) return {};
  return invalid(where_ + ": no token has id " + std::to_string(gap - set_.begin()) +
                 ", though ids go up to " + std::to_string(largest_) +
                 ": the vocabulary is damaged, fetch it again");
}

}  // namespace kilotoken
