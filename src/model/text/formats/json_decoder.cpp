#include "model/text/formats/json_pipeline.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

constexpr uint64_t kMostStripped = 1000;

Result<DecoderStep> replace(const JsonParts& step) {
  KT_TRY_VOID(step.only({"type", "pattern", "content"}));
  KT_TRY(const JsonPattern pattern, pattern_from_json(step));
  KT_TRY(std::string content, step.string_or("content", ""));
  DecoderStep out{.kind = DecoderStep::kReplace};
  KT_TRY(out.replacer,
         Replacer::make(pattern.text, pattern.regex, std::move(content), step.where()));
  return out;
}

Result<DecoderStep> strip(const JsonParts& step) {
  KT_TRY_VOID(step.only({"type", "content", "start", "stop"}));
  DecoderStep out{.kind = DecoderStep::kStrip};
  KT_TRY(out.text, character_from_json(step, "content", " "));
  KT_TRY(out.start, step.count_or("start", 0, kMostStripped));
  KT_TRY(out.stop, step.count_or("stop", 0, kMostStripped));
  return out;
}

Result<DecoderStep> metaspace(const JsonParts& step) {
  KT_TRY_VOID(
      step.only({"type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}));
  DecoderStep out{.kind = DecoderStep::kMetaspace};
  KT_TRY(out.text, character_from_json(step, "replacement", "\u2581"));
  KT_TRY(const bool prefix, step.boolean_or("add_prefix_space", true));
  KT_TRY(const std::string scheme, step.string_or("prepend_scheme", prefix ? "always" : "never"));
  out.flag = scheme != "never";
  return out;
}

Result<DecoderStep> decoder_step(const JsonParts& step) {
  KT_TRY(const std::string type, step.string_or("type", ""));
  if (type == "Replace") return replace(step);
  if (type == "Strip") return strip(step);
  if (type == "Metaspace") return metaspace(step);
  if (type == "ByteLevel") {
    KT_TRY_VOID(step.only({"type", "add_prefix_space", "trim_offsets", "use_regex"}));
    return DecoderStep{.kind = DecoderStep::kByteLevel};
  }
  if (type == "ByteFallback" || type == "Fuse") {
    KT_TRY_VOID(step.only({"type"}));
    return DecoderStep{.kind = type == "Fuse" ? DecoderStep::kFuse : DecoderStep::kByteFallback};
  }
  if (type == "WordPiece") {
    KT_TRY_VOID(step.only({"type", "prefix", "cleanup"}));
    DecoderStep out{.kind = DecoderStep::kWordPiece};
    KT_TRY(out.text, step.string_or("prefix", "##"));
    KT_TRY(out.flag, step.boolean_or("cleanup", true));
    return out;
  }
  if (type == "BPEDecoder") {
    KT_TRY_VOID(step.only({"type", "suffix"}));
    DecoderStep out{.kind = DecoderStep::kBpe};
    KT_TRY(out.text, step.string_or("suffix", "</w>"));
    if (out.text.empty()) return invalid(step.where() + ": suffix is empty");
    return out;
  }
  return step.refuse("type " + printable(type));
}

}  // namespace

Result<std::vector<DecoderStep>> decoder_from_json(const JsonParts& part) {
  KT_TRY(const std::vector<JsonParts> list, part.steps("decoders"));
  std::vector<DecoderStep> steps;
  for (const JsonParts& step : list) {
    KT_TRY(DecoderStep made, decoder_step(step));
    steps.push_back(std::move(made));
  }
  if (steps.empty()) steps.push_back({.kind = DecoderStep::kFuse});
  return steps;
}

}  // namespace kilotoken
