#include "engine/run/text_stream.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

// Token i stands for piece i.
class Pieces final : public Tokenizer {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Result<std::vector<int32_t>> encode(std::string_view, const EncodeOptions&) const override {
    return std::vector<int32_t>{};
  }
  Result<Pair> encode_pair(std::string_view, std::string_view,
                           const EncodeOptions&) const override {
    return Pair{};
  }
  std::string_view token_bytes(int32_t id) const override {
    return pieces_[static_cast<size_t>(id)];
  }
  std::string_view token_bytes_at(int32_t id, bool, bool) const override { return token_bytes(id); }
  const TextRules& text_rules() const override { return rules_; }
  bool is_special(int32_t) const override { return false; }
  std::string_view token(int32_t id) const override { return token_bytes(id); }
  std::optional<int32_t> token_id(std::string_view) const override { return std::nullopt; }
  int vocab_size() const override { return static_cast<int>(pieces_.size()); }

 private:
  std::vector<std::string> pieces_;
  TextRules rules_;
};

struct Outcome {
  std::string text;
  std::string stopped;
  std::vector<std::string> deltas;
};

// All pieces in order, or up to the one that stops.
Outcome stream(const std::vector<std::string>& pieces, SamplingParams params,
               size_t stop_allowed_from = 0) {
  const Pieces tokenizer(pieces);
  TextStream stream(tokenizer, false, params);
  Outcome outcome;
  for (size_t i = 0; i < pieces.size(); ++i) {
    auto piece = stream.push(static_cast<int32_t>(i), i >= stop_allowed_from);
    outcome.deltas.push_back(piece.text);
    outcome.text += piece.text;
    if (piece.stopped) {
      outcome.stopped = *piece.stopped;
      return outcome;
    }
  }
  outcome.text += stream.finish();
  return outcome;
}

SamplingParams stopping_at(std::vector<std::string> stop, bool include = false) {
  SamplingParams params;
  params.stop = std::move(stop);
  params.include_stop_str_in_output = include;
  return params;
}

TEST(TextStream, AStopStringAcrossTokensIsFoundAndCutOff) {
  const auto out = stream({"one", " t", "wo", " three", " four"}, stopping_at({"two th"}));
  EXPECT_EQ(out.text, "one ");
  EXPECT_EQ(out.stopped, "two th");
  EXPECT_EQ(out.deltas.size(), 4u) << "it ends with the token that completes it";
}

TEST(TextStream, TheStopStringStaysWhenAskedFor) {
  const auto out = stream({"a", "b", "c"}, stopping_at({"b"}, true));
  EXPECT_EQ(out.text, "ab");
}

TEST(TextStream, HoldsBackOnlyWhatMayBecomeAStop) {
  const auto out = stream({"xa", "b", "y"}, stopping_at({"abc"}));
  EXPECT_EQ(out.deltas, (std::vector<std::string>{"x", "", "aby"}));
  EXPECT_EQ(out.stopped, "");
}

TEST(TextStream, WhatWasHeldBackComesAtTheEnd) {
  EXPECT_EQ(stream({"x", "ab"}, stopping_at({"abc"})).text, "xab");
}

TEST(TextStream, TheEarliestMatchWinsAndThenTheLongest) {
  EXPECT_EQ(stream({"hello world"}, stopping_at({"world", "lo"})).stopped, "lo");
  EXPECT_EQ(stream({"hello"}, stopping_at({"l", "ll"})).stopped, "ll");
}

TEST(TextStream, ARepeatedBeginningIsNotMissed) {
  EXPECT_EQ(stream({"a", "a", "a", "b"}, stopping_at({"aab"})).text, "a");
}

TEST(TextStream, UnderTheMinimumNothingStops) {
  const auto out = stream({"stop", "go", "stop", "x"}, stopping_at({"stop"}), 2);
  EXPECT_EQ(out.text, "stopgo");
}

TEST(TextStream, NeverHalfACharacter) {
  const auto out = stream({"\xe2", "\x82", "\xac", "\xc3", "z"}, {});
  EXPECT_EQ(out.deltas[0] + out.deltas[1], "");
  EXPECT_EQ(out.deltas[2], "€");
  EXPECT_EQ(out.text, "€\xef\xbf\xbdz");
}

}  // namespace
}  // namespace kilotoken
