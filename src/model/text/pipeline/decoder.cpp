#include "model/text/pipeline/decoder.h"

#include <algorithm>
#include <array>

#include "model/text/byte_alphabet.h"

namespace kilotoken {
namespace {

constexpr size_t kMostTokenBytes = 1 << 20;

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t at = 0;;) {
    const size_t found = text.find(from, at);
    out += text.substr(at, found - at);
    if (found == std::string_view::npos) return out;
    out += to;
    at = found + from.size();
  }
}

// HF tokenizers, decoders/wordpiece, cleanup().
std::string cleaned_up(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {{
      {" .", "."},
      {" ?", "?"},
      {" !", "!"},
      {" ,", ","},
      {" ' ", "'"},
      {" n't", "n't"},
      {" 'm", "'m"},
      {" do not", " don't"},
      {" 's", "'s"},
      {" 've", "'ve"},
      {" 're", "'re"},
  }};
  for (const auto& [from, to] : kRules) text = replaced(text, from, to);
  return text;
}

std::string stripped(std::string_view text, const DecoderStep& step) {
  for (size_t i = 0; i < step.start && text.starts_with(step.text); ++i) {
    text.remove_prefix(step.text.size());
  }
  for (size_t i = 0; i < step.stop && text.ends_with(step.text); ++i) {
    text.remove_suffix(step.text.size());
  }
  return std::string(text);
}

std::string as_word(std::string_view token, const DecoderStep& step, bool first) {
  std::string text(token);
  if (!first && token.starts_with(step.text)) {
    text.erase(0, step.text.size());
  } else if (!first) {
    text.insert(0, " ");
  }
  return step.flag ? cleaned_up(std::move(text)) : text;
}

bool on_text_only(const DecoderStep& step) {
  return step.kind == DecoderStep::kReplace || step.kind == DecoderStep::kStrip;
}

}  // namespace

int byte_of_piece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return -1;
  int value = 0;
  for (const char digit : piece.substr(3, 2)) {
    const size_t at = std::string_view("0123456789ABCDEFabcdef").find(digit);
    if (at == std::string_view::npos) return -1;
    value = value * 16 + static_cast<int>(at < 16 ? at : at - 6);
  }
  return value;
}

Result<Decoder> Decoder::make(std::vector<DecoderStep> steps, std::string_view where) {
  const auto refuse = [&](const std::string& what) {
    return Error{ErrorCode::kUnsupported,
                 std::string(where) + ": " + what + " is not in this build yet",
                 {}};
  };
  Decoder decoder;
  decoder.joined_by_spaces_ = steps.empty();
  bool fused = false, bytes = false;
  for (DecoderStep& step : steps) {
    if (!fused) {
      if (bytes && step.kind != DecoderStep::kFuse) {
        return refuse("a step between ByteFallback and Fuse");
      }
      bytes |= step.kind == DecoderStep::kByteFallback;
      fused = step.kind == DecoderStep::kFuse || step.kind == DecoderStep::kByteLevel;
      if (step.kind == DecoderStep::kByteLevel) {
        decoder.rules_.repair = Utf8Repair::kEverySubpart;
      }
      decoder.steps_.push_back(std::move(step));
      continue;
    }
    if (step.kind == DecoderStep::kFuse) continue;
    if (!on_text_only(step)) return refuse("this order of steps");
    TextStage stage{TextStage::kStrip, step.text, {}, step.start, step.stop};
    if (step.kind == DecoderStep::kReplace) {
      if (!step.replacer->plain_text()) return refuse("a Regex after Fuse");
      stage = {TextStage::kReplace, *step.replacer->plain_text(), step.replacer->content(), 0, 0};
    }
    decoder.rules_.stages.push_back(std::move(stage));
  }
  decoder.rules_.last_differs = decoder.knows_last();
  return decoder;
}

bool Decoder::knows_first() const {
  return joined_by_spaces_ || std::ranges::any_of(steps_, [](const DecoderStep& step) {
           return step.kind == DecoderStep::kMetaspace || step.kind == DecoderStep::kWordPiece;
         });
}

bool Decoder::knows_last() const {
  return std::ranges::any_of(
      steps_, [](const DecoderStep& step) { return step.kind == DecoderStep::kBpe; });
}

Result<std::string> Decoder::token_bytes(std::string_view token, bool first, bool last) const {
  std::string text(token);
  if (joined_by_spaces_ && !first) text.insert(0, " ");
  for (const DecoderStep& step : steps_) {
    switch (step.kind) {
      case DecoderStep::kByteLevel:
        if (const auto bytes = from_byte_alphabet(text)) text = *bytes;
        break;
      case DecoderStep::kByteFallback:
        if (const int byte = byte_of_piece(text); byte >= 0) {
          text.assign(1, static_cast<char>(byte));
        }
        break;
      case DecoderStep::kFuse:
        break;
      case DecoderStep::kReplace: {
        KT_TRY(Replacer::Outcome outcome, step.replacer->replace(text, kMostTokenBytes));
        text = std::move(outcome.text);
        break;
      }
      case DecoderStep::kStrip:
        text = stripped(text, step);
        break;
      case DecoderStep::kMetaspace:
        text = replaced(text, step.text, first && step.flag ? "" : " ");
        break;
      case DecoderStep::kWordPiece:
        text = as_word(text, step, first);
        break;
      case DecoderStep::kBpe:
        text = replaced(text, step.text, last ? "" : " ");
        break;
    }
  }
  return text;
}

}  // namespace kilotoken
