#include "model/text/pipeline/replacer.h"

namespace kilotoken {
namespace {

Error too_long(size_t most_bytes) {
  return {ErrorCode::kTooLarge,
          "the text grows to more than " + std::to_string(most_bytes) +
              " bytes where the tokenizer replaces parts of it: send less",
          {}};
}

}  // namespace

Result<Replacer> Replacer::make(std::string_view pattern, bool regex, std::string content,
                                std::string_view where) {
  KT_TRY(Regex compiled, regex ? Regex::compile(pattern, where) : Regex::literal(pattern, where));
  Replacer replacer(std::move(compiled));
  replacer.content_ = std::move(content);
  if (!regex && !pattern.empty()) replacer.plain_ = std::string(pattern);
  return replacer;
}

Result<Replacer::Outcome> Replacer::replace(std::string_view text, size_t most_bytes) const {
  Outcome outcome;
  if (plain_) {
    outcome.dropped_front = content_.empty() && text.starts_with(*plain_);
    for (size_t at = 0;;) {
      const size_t found = text.find(*plain_, at);
      outcome.text += text.substr(at, found - at);
      if (found == text.npos) break;
      outcome.text += content_;
      if (outcome.text.size() > most_bytes) return too_long(most_bytes);
      at = found + plain_->size();
    }
    return outcome;
  }
  std::vector<RegexSpan> spans;
  KT_TRY_VOID(RegexMatcher(regex_).split(text, spans));
  for (const RegexSpan& span : spans) {
    if (span.matched) {
      outcome.text += content_;
      outcome.dropped_front |= span.begin == 0 && span.end > 0 && content_.empty();
    } else {
      outcome.text += text.substr(span.begin, span.end - span.begin);
    }
    if (outcome.text.size() > most_bytes) return too_long(most_bytes);
  }
  return outcome;
}

}  // namespace kilotoken
