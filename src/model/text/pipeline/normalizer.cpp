#include "model/text/pipeline/normalizer.h"

#include "model/text/byte_alphabet.h"
#include "model/text/pipeline/replacer.h"
#include "model/text/unicode/characters.h"
#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

constexpr uint32_t kNothing = UINT32_MAX;  // a character is left out

template <typename Function>
class Plain final : public Normalizer {
 public:
  explicit Plain(Function function) : function_(std::move(function)) {}
  Result<void> apply(NormalText& text) const override {
    function_(text);
    return {};
  }

 private:
  Function function_;
};
template <typename Function>
NormalizerPtr plain(Function function) {
  return std::make_unique<Plain<Function>>(std::move(function));
}

// map(code) is the character instead, or kNothing.
template <typename Map>
void map_characters(NormalText& text, Map map) {
  std::string out;
  out.reserve(text.text.size());
  for (size_t at = 0; at < text.text.size();) {
    const Utf8Character next = utf8_character(std::string_view(text.text).substr(at));
    const uint32_t code = map(next.code);
    if (code != kNothing) append_character(out, code);
    if (code == kNothing && at == 0) text.at_start = false;
    at += next.bytes;
  }
  text.text = std::move(out);
}

uint32_t cleaned(uint32_t code) {
  const bool space = code == '\t' || code == '\n' || code == '\r' || is_white_space(code);
  if (code == 0 || code == 0xFFFD) return kNothing;
  if (space) return code == 0x85 || code == '\v' || code == '\f' ? kNothing : ' ';
  return is_other(code) ? kNothing : code;
}

void set_han_apart(NormalText& text) {
  std::string out;
  for (size_t at = 0; at < text.text.size();) {
    const Utf8Character next = utf8_character(std::string_view(text.text).substr(at));
    const std::string_view character = std::string_view(text.text).substr(at, next.bytes);
    at += next.bytes;
    const bool apart = is_han_for_bert(next.code);
    if (apart) out += ' ';
    out += character;
    if (apart) out += ' ';
  }
  text.text = std::move(out);
}

uint32_t nmt(uint32_t code) {
  if ((code >= 0x01 && code <= 0x08) || code == 0x0B || (code >= 0x0E && code <= 0x1F) ||
      code == 0x7F || code == 0x8F || code == 0x9F) {
    return kNothing;
  }
  const bool space = code == 0x09 || code == 0x0A || code == 0x0C || code == 0x0D ||
                     code == 0x1680 || (code >= 0x200B && code <= 0x200F) || code == 0x2028 ||
                     code == 0x2029 || code == 0x2581 || code == 0xFEFF || code == 0xFFFD;
  return space ? ' ' : code;
}

class Replace final : public Normalizer {
 public:
  explicit Replace(Replacer replacer) : replacer_(std::move(replacer)) {}
  Result<void> apply(NormalText& text) const override {
    KT_TRY(Replacer::Outcome outcome, replacer_.replace(text.text, kMostTextBytes));
    text.text = std::move(outcome.text);
    if (outcome.dropped_front) text.at_start = false;
    return {};
  }

 private:
  Replacer replacer_;
};

class Sequence final : public Normalizer {
 public:
  explicit Sequence(std::vector<NormalizerPtr> steps) : steps_(std::move(steps)) {}
  Result<void> apply(NormalText& text) const override {
    for (const NormalizerPtr& step : steps_) {
      KT_TRY_VOID(step->apply(text));
      if (text.text.size() > kMostTextBytes) {
        return Error{ErrorCode::kTooLarge,
                     "the text grows to more than " + std::to_string(kMostTextBytes) +
                         " bytes in the tokenizer's normalizer: send less",
                     {}};
      }
    }
    return {};
  }

 private:
  std::vector<NormalizerPtr> steps_;
};

}  // namespace

NormalizerPtr make_normal_form(NormalForm form) {
  return plain([form](NormalText& text) { text.text = normal_form(text.text, form); });
}

NormalizerPtr make_lowercase() {
  return plain([](NormalText& text) { text.text = lowercase(text.text); });
}

NormalizerPtr make_strip(bool left, bool right) {
  return plain([left, right](NormalText& text) {
    if (right) text.text.resize(text.text.size() - trailing_space_bytes(text.text));
    const size_t front = left ? leading_space_bytes(text.text) : 0;
    if (front > 0) text.at_start = false;
    text.text.erase(0, front);
  });
}

NormalizerPtr make_strip_accents() {
  return plain([](NormalText& text) {
    map_characters(text, [](uint32_t code) { return is_mark(code) ? kNothing : code; });
  });
}

NormalizerPtr make_prepend(std::string prefix) {
  return plain([prefix = std::move(prefix)](NormalText& text) {
    if (!text.text.empty()) text.text.insert(0, prefix);
  });
}

NormalizerPtr make_nmt() {
  return plain([](NormalText& text) { map_characters(text, nmt); });
}

NormalizerPtr make_byte_letters() {
  return plain([](NormalText& text) { text.text = in_byte_alphabet(text.text); });
}

NormalizerPtr make_bert_normalizer(const BertOptions& options) {
  return plain([options](NormalText& text) {
    if (options.clean_text) map_characters(text, cleaned);
    if (options.handle_chinese_chars) set_han_apart(text);
    if (options.strip_accents) {
      text.text = normal_form(text.text, NormalForm::kNfd);
      map_characters(text,
                     [](uint32_t code) { return is_nonspacing_mark(code) ? kNothing : code; });
    }
    if (options.lowercase) text.text = lowercase(text.text);
  });
}

Result<NormalizerPtr> make_replace(std::string_view pattern, bool regex, std::string content,
                                   std::string_view where) {
  KT_TRY(Replacer replacer, Replacer::make(pattern, regex, std::move(content), where));
  return NormalizerPtr(std::make_unique<Replace>(std::move(replacer)));
}

NormalizerPtr make_sequence(std::vector<NormalizerPtr> steps) {
  return std::make_unique<Sequence>(std::move(steps));
}

}  // namespace kilotoken
