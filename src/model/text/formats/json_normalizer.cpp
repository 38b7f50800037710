#include "model/text/formats/json_pipeline.h"
#include "model/text/pipeline/charsmap.h"
#include "model/text/unicode/utf8.h"
#include "model/weights/printable.h"

namespace kilotoken {

Result<JsonPattern> pattern_from_json(const JsonParts& part) {
  KT_TRY(const JsonParts pattern, part.object("pattern"));
  JsonPattern read;
  read.regex = pattern.find("Regex") != nullptr;
  if (read.regex == (pattern.find("String") != nullptr)) {
    return invalid(part.where() + ": pattern is neither String nor Regex");
  }
  KT_TRY(read.text, pattern.string_or(read.regex ? "Regex" : "String", ""));
  return read;
}

Result<std::string> character_from_json(const JsonParts& part, const std::string& name,
                                        std::string otherwise) {
  KT_TRY(std::string text, part.string_or(name, std::move(otherwise)));
  if (text.empty() || utf8_step(text).bytes != text.size()) {
    return invalid(part.where() + ": " + name + " is not one character");
  }
  return text;
}

namespace {

Result<NormalizerPtr> bert_normalizer(const JsonParts& step) {
  KT_TRY_VOID(
      step.only({"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"}));
  BertOptions options;
  KT_TRY(options.clean_text, step.boolean_or("clean_text", true));
  KT_TRY(options.handle_chinese_chars, step.boolean_or("handle_chinese_chars", true));
  KT_TRY(options.lowercase, step.boolean_or("lowercase", true));
  KT_TRY(options.strip_accents, step.boolean_or("strip_accents", options.lowercase));
  return make_bert_normalizer(options);
}

Result<NormalizerPtr> replace(const JsonParts& step) {
  KT_TRY_VOID(step.only({"type", "pattern", "content"}));
  KT_TRY(const JsonPattern pattern, pattern_from_json(step));
  KT_TRY(std::string content, step.string_or("content", ""));
  return make_replace(pattern.text, pattern.regex, std::move(content), step.where());
}

Result<NormalizerPtr> precompiled(const JsonParts& step) {
  KT_TRY_VOID(step.only({"type", "precompiled_charsmap"}));
  KT_TRY(const std::string base64, step.string_or("precompiled_charsmap", ""));
  KT_TRY(Charsmap charsmap, Charsmap::from_base64(base64, step.where()));
  return make_charsmap_normalizer(std::move(charsmap), CharsmapUse::kByGrapheme);
}

Result<NormalizerPtr> without_options(const JsonParts& step, const std::string& type) {
  KT_TRY_VOID(step.only({"type"}));
  if (type == "NFC") return make_normal_form(NormalForm::kNfc);
  if (type == "NFD") return make_normal_form(NormalForm::kNfd);
  if (type == "NFKC") return make_normal_form(NormalForm::kNfkc);
  if (type == "NFKD") return make_normal_form(NormalForm::kNfkd);
  if (type == "Lowercase") return make_lowercase();
  if (type == "StripAccents") return make_strip_accents();
  if (type == "Nmt") return make_nmt();
  return make_byte_letters();
}

Result<NormalizerPtr> normalizer_step(const JsonParts& step) {
  KT_TRY(const std::string type, step.string_or("type", ""));
  for (const char* name :
       {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel"}) {
    if (type == name) return without_options(step, type);
  }
  if (type == "BertNormalizer") return bert_normalizer(step);
  if (type == "Replace") return replace(step);
  if (type == "Precompiled") return precompiled(step);
  if (type == "Prepend") {
    KT_TRY_VOID(step.only({"type", "prepend"}));
    KT_TRY(std::string prefix, step.string_or("prepend", ""));
    return make_prepend(std::move(prefix));
  }
  if (type == "Strip") {
    KT_TRY_VOID(step.only({"type", "strip_left", "strip_right"}));
    KT_TRY(const bool left, step.boolean_or("strip_left", true));
    KT_TRY(const bool right, step.boolean_or("strip_right", true));
    return make_strip(left, right);
  }
  return step.refuse("type " + printable(type));
}

}  // namespace

Result<NormalizerPtr> normalizer_from_json(const JsonParts& part) {
  KT_TRY(const std::vector<JsonParts> list, part.steps("normalizers"));
  std::vector<NormalizerPtr> steps;
  for (const JsonParts& step : list) {
    KT_TRY(NormalizerPtr made, normalizer_step(step));
    steps.push_back(std::move(made));
  }
  if (steps.empty()) return NormalizerPtr();
  return make_sequence(std::move(steps));
}

}  // namespace kilotoken
