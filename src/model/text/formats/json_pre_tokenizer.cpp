#include "model/text/formats/json_pipeline.h"
#include "model/text/unicode/characters.h"
#include "model/text/unicode/utf8.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

Result<Delimiters> delimiters_from_json(const JsonParts& step, const char* otherwise) {
  KT_TRY(const std::string name, step.string_or("behavior", otherwise));
  constexpr struct {
    const char *camel, *snake;
    Delimiters delimiters;
  } kNames[] = {{"Removed", "removed", Delimiters::kRemoved},
                {"Isolated", "isolated", Delimiters::kIsolated},
                {"MergedWithPrevious", "merged_with_previous", Delimiters::kMergedWithPrevious},
                {"MergedWithNext", "merged_with_next", Delimiters::kMergedWithNext},
                {"Contiguous", "contiguous", Delimiters::kContiguous}};
  for (const auto& row : kNames) {
    if (name == row.camel || name == row.snake) return row.delimiters;
  }
  return step.refuse("behavior " + printable(name));
}

Result<PreTokenizerPtr> split(const JsonParts& step) {
  KT_TRY_VOID(step.only({"type", "pattern", "behavior", "invert"}));
  KT_TRY(const JsonPattern pattern, pattern_from_json(step));
  KT_TRY(const Delimiters delimiters, delimiters_from_json(step, ""));
  KT_TRY(const bool invert, step.boolean_or("invert", false));
  return make_split(pattern.text, pattern.regex, delimiters, invert, step.where());
}

Result<PreTokenizerPtr> metaspace(const JsonParts& step) {
  KT_TRY_VOID(
      step.only({"type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}));
  MetaspaceOptions options;
  KT_TRY(options.replacement, character_from_json(step, "replacement", "\u2581"));
  KT_TRY(options.split, step.boolean_or("split", true));
  KT_TRY(const bool prefix, step.boolean_or("add_prefix_space", true));  // before 0.15
  KT_TRY(const std::string scheme, step.string_or("prepend_scheme", prefix ? "always" : "never"));
  if (scheme == "always") {
    options.prepend = PrependScheme::kAlways;
  } else if (scheme == "first") {
    options.prepend = PrependScheme::kFirst;
  } else if (scheme == "never") {
    options.prepend = PrependScheme::kNever;
  } else {
    return step.refuse("prepend_scheme " + printable(scheme));
  }
  return make_metaspace(options);
}

Result<PreTokenizerPtr> byte_level(const JsonParts& step, bool letters) {
  KT_TRY_VOID(step.only({"type", "add_prefix_space", "trim_offsets", "use_regex"}));
  ByteLevelOptions options{.letters = letters};
  KT_TRY(options.add_prefix_space, step.boolean_or("add_prefix_space", true));
  KT_TRY(options.use_regex, step.boolean_or("use_regex", true));
  return make_byte_level(options);
}

Result<PreTokenizerPtr> pre_tokenizer_step(const JsonParts& step, const std::string& type) {
  if (type == "Split") return split(step);
  if (type == "Metaspace") return metaspace(step);
  if (type == "Digits") {
    KT_TRY_VOID(step.only({"type", "individual_digits"}));
    KT_TRY(const bool each, step.boolean_or("individual_digits", false));
    return make_character_split(is_numeric, each ? Delimiters::kIsolated : Delimiters::kContiguous);
  }
  if (type == "Punctuation") {
    KT_TRY_VOID(step.only({"type", "behavior"}));
    KT_TRY(const Delimiters delimiters, delimiters_from_json(step, "Isolated"));
    return make_character_split(is_punctuation, delimiters);
  }
  if (type == "CharDelimiterSplit") {
    KT_TRY_VOID(step.only({"type", "delimiter"}));
    KT_TRY(const std::string delimiter, character_from_json(step, "delimiter", ""));
    return make_delimiter_split(utf8_character(delimiter).code);
  }
  if (type != "Whitespace" && type != "WhitespaceSplit" && type != "BertPreTokenizer") {
    return step.refuse("type " + printable(type));
  }
  KT_TRY_VOID(step.only({"type"}));
  if (type == "Whitespace") return make_whitespace_split();
  if (type == "BertPreTokenizer") return make_bert_split();
  return make_character_split(is_white_space, Delimiters::kRemoved);
}

}  // namespace

Result<JsonPreTokenizer> pre_tokenizer_from_json(const JsonParts& part, bool bytes_allowed) {
  KT_TRY(const std::vector<JsonParts> list, part.steps("pretokenizers"));
  JsonPreTokenizer out;
  std::vector<PreTokenizerPtr> steps;
  for (size_t i = 0; i < list.size(); ++i) {
    KT_TRY(const std::string type, list[i].string_or("type", ""));
    if (type == "ByteLevel") {
      out.of_bytes = bytes_allowed && i + 1 == list.size();
      KT_TRY(PreTokenizerPtr step, byte_level(list[i], !out.of_bytes));
      steps.push_back(std::move(step));
    } else {
      KT_TRY(PreTokenizerPtr step, pre_tokenizer_step(list[i], type));
      steps.push_back(std::move(step));
    }
  }
  if (!steps.empty()) out.steps = make_sequence(std::move(steps));
  return out;
}

}  // namespace kilotoken
