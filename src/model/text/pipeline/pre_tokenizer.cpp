#include "model/text/pipeline/pre_tokenizer.h"

#include "base/check.h"
#include "model/text/byte_alphabet.h"
#include "model/text/pipeline/spans.h"
#include "model/text/unicode/characters.h"
#include "model/text/unicode/regex.h"
#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

// openai/gpt-2, encoder.py.
constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// \w+|[^\w\s]+ with \w as Rust's regex has it.
constexpr std::string_view kWords = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}]+)"
                                    R"(|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}\s]+)";

void append_spans(const TextPiece& piece, const std::vector<RegexSpan>& spans,
                  std::vector<TextPiece>& out) {
  for (const RegexSpan& span : spans) {
    if (span.end == span.begin) continue;
    out.push_back(
        {piece.text.substr(span.begin, span.end - span.begin), piece.at_start && span.begin == 0});
  }
}

class Split final : public PreTokenizer {
 public:
  Split(Regex regex, Delimiters delimiters, bool invert)
      : regex_(std::move(regex)), delimiters_(delimiters), invert_(invert) {}

  Result<void> cut(const std::vector<TextPiece>& pieces, std::vector<TextPiece>& out,
                   TextStore&) const override {
    RegexMatcher matcher(regex_);
    std::vector<RegexSpan> spans;
    for (const TextPiece& piece : pieces) {
      spans.clear();
      KT_TRY_VOID(matcher.split(piece.text, spans));
      if (delimiters_ != Delimiters::kIsolated) {
        if (invert_) {
          for (RegexSpan& span : spans) span.matched = !span.matched;
        }
        join_delimiters(spans, delimiters_);
      }
      append_spans(piece, spans, out);
    }
    return {};
  }

 private:
  Regex regex_;
  Delimiters delimiters_;
  bool invert_;
};

template <typename Matches>
class CharacterSplit final : public PreTokenizer {
 public:
  CharacterSplit(Matches matches, Delimiters delimiters)
      : matches_(matches), delimiters_(delimiters) {}

  Result<void> cut(const std::vector<TextPiece>& pieces, std::vector<TextPiece>& out,
                   TextStore&) const override {
    std::vector<RegexSpan> spans;
    for (const TextPiece& piece : pieces) {
      spans.clear();
      for (size_t at = 0; at < piece.text.size();) {
        const Utf8Character next = utf8_character(piece.text.substr(at));
        const bool matched = matches_(next.code);
        if (!matched && !spans.empty() && !spans.back().matched) {
          spans.back().end += next.bytes;
        } else {
          spans.push_back({at, at + next.bytes, matched});
        }
        at += next.bytes;
      }
      join_delimiters(spans, delimiters_);
      append_spans(piece, spans, out);
    }
    return {};
  }

 private:
  Matches matches_;
  Delimiters delimiters_;
};
template <typename Matches>
PreTokenizerPtr character_split(Matches matches, Delimiters delimiters) {
  return std::make_unique<CharacterSplit<Matches>>(matches, delimiters);
}

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(const ByteLevelOptions& options, PreTokenizerPtr pattern)
      : options_(options), pattern_(std::move(pattern)) {}

  Result<void> cut(const std::vector<TextPiece>& pieces, std::vector<TextPiece>& out,
                   TextStore& store) const override {
    std::vector<TextPiece> prefixed;
    if (options_.add_prefix_space) {
      for (const TextPiece& piece : pieces) {
        prefixed.push_back(piece);
        if (piece.text.starts_with(' ')) continue;
        prefixed.back().text = store.keep(" " + std::string(piece.text));
      }
    }
    const std::vector<TextPiece>& whole = options_.add_prefix_space ? prefixed : pieces;
    const size_t before = out.size();
    if (pattern_) {
      KT_TRY_VOID(pattern_->cut(whole, out, store));
    } else {
      out.insert(out.end(), whole.begin(), whole.end());
    }
    for (size_t i = before; options_.letters && i < out.size(); ++i) {
      out[i].text = store.keep(in_byte_alphabet(out[i].text));
    }
    return {};
  }

 private:
  ByteLevelOptions options_;
  PreTokenizerPtr pattern_;
};

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(const MetaspaceOptions& options) : options_(options) {}

  Result<void> cut(const std::vector<TextPiece>& pieces, std::vector<TextPiece>& out,
                   TextStore& store) const override {
    for (const TextPiece& piece : pieces) {
      const TextPiece marked{store.keep(with_marks(piece)), piece.at_start};
      if (!options_.split) {
        out.push_back(marked);
        continue;
      }
      std::string_view rest = marked.text;
      for (bool first = marked.at_start; !rest.empty(); first = false) {
        const size_t end = std::min(rest.find(options_.replacement, 1), rest.size());
        out.push_back({rest.substr(0, end), first});
        rest.remove_prefix(end);
      }
    }
    return {};
  }

 private:
  std::string with_marks(const TextPiece& piece) const {
    std::string text;
    const bool has_one =
        piece.text.starts_with(' ') || piece.text.starts_with(options_.replacement);
    const bool wanted = options_.prepend == PrependScheme::kAlways ||
                        (options_.prepend == PrependScheme::kFirst && piece.at_start);
    if (wanted && !has_one) text += options_.replacement;
    for (const char c : piece.text) {
      if (c == ' ') {
        text += options_.replacement;
      } else {
        text += c;
      }
    }
    return text;
  }

  MetaspaceOptions options_;
};

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<PreTokenizerPtr> steps) : steps_(std::move(steps)) {}
  Result<void> cut(const std::vector<TextPiece>& pieces, std::vector<TextPiece>& out,
                   TextStore& store) const override {
    std::vector<TextPiece> from = pieces, to;
    for (const PreTokenizerPtr& step : steps_) {
      to.clear();
      KT_TRY_VOID(step->cut(from, to, store));
      std::swap(from, to);
    }
    out.insert(out.end(), from.begin(), from.end());
    return {};
  }

 private:
  std::vector<PreTokenizerPtr> steps_;
};

// One of this program's own patterns.
PreTokenizerPtr own_pattern(std::string_view pattern, Delimiters delimiters, bool invert) {
  auto made = make_split(pattern, true, delimiters, invert, "a built-in pattern");
  KT_CHECK(made.ok(), made.error().message);
  return std::move(made).value();
}

}  // namespace

Result<PreTokenizerPtr> make_split(std::string_view pattern, bool regex, Delimiters delimiters,
                                   bool invert, std::string_view where) {
  KT_TRY(Regex compiled, regex ? Regex::compile(pattern, where) : Regex::literal(pattern, where));
  return PreTokenizerPtr(std::make_unique<Split>(std::move(compiled), delimiters, invert));
}

PreTokenizerPtr make_character_split(CharacterTest matches, Delimiters delimiters) {
  return character_split(matches, delimiters);
}

PreTokenizerPtr make_delimiter_split(uint32_t delimiter) {
  return character_split([delimiter](uint32_t code) { return code == delimiter; },
                         Delimiters::kRemoved);
}

PreTokenizerPtr make_bert_split() {
  std::vector<PreTokenizerPtr> steps;
  steps.push_back(make_character_split(is_white_space, Delimiters::kRemoved));
  steps.push_back(make_character_split(is_punctuation, Delimiters::kIsolated));
  return make_sequence(std::move(steps));
}

PreTokenizerPtr make_whitespace_split() { return own_pattern(kWords, Delimiters::kRemoved, true); }

PreTokenizerPtr make_byte_level(const ByteLevelOptions& options) {
  return std::make_unique<ByteLevel>(
      options, options.use_regex ? own_pattern(kGpt2, Delimiters::kIsolated, false) : nullptr);
}

PreTokenizerPtr make_metaspace(const MetaspaceOptions& options) {
  return std::make_unique<Metaspace>(options);
}

PreTokenizerPtr make_sequence(std::vector<PreTokenizerPtr> steps) {
  return std::make_unique<Sequence>(std::move(steps));
}

}  // namespace kilotoken
