#include "measure/bench/words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "base/rng.h"

namespace kilotoken::bench {
namespace {

constexpr auto kWords = std::to_array<std::string_view>(
    {"the",     "a",     "and",    "of",     "to",     "in",      "on",      "with",   "that",
     "was",     "is",    "had",    "not",    "but",    "they",    "she",     "he",     "it",
     "house",   "river", "stone",  "garden", "letter", "window",  "morning", "water",  "road",
     "friend",  "story", "market", "number", "answer", "paper",   "winter",  "field",  "music",
     "ship",    "fire",  "table",  "child",  "night",  "light",   "hand",    "voice",  "bread",
     "small",   "old",   "green",  "quiet",  "long",   "early",   "bright",  "cold",   "round",
     "walked",  "asked", "found",  "wrote",  "opened", "carried", "waited",  "turned", "made",
     "because", "when",  "then",   "before", "after",  "under",   "over",    "again",  "often"});

}  // namespace

Words::Words(const Tokenizer* tokenizer, uint64_t seed) : tokenizer_(tokenizer), seed_(seed) {
  for (const std::string_view word : kWords) {
    tokens_of_word_.push_back(std::max(1, count(" " + std::string(word))));
  }
  if (!tokenizer_) return;
  for (int32_t id = 0; id < tokenizer_->vocab_size(); ++id) {
    if (!tokenizer_->is_special(id) && !tokenizer_->token(id).empty()) plain_ids_.push_back(id);
  }
}

int Words::count(const std::string& text) const {
  if (tokenizer_) {
    const auto ids = tokenizer_->encode(text, false);
    if (ids.ok()) return static_cast<int>(ids->size());
  }
  std::istringstream words(text);
  int count = 0;
  for (std::string word; words >> word;) ++count;
  return count;
}

double Words::uniform(uint32_t stream, uint64_t index) const {
  return uniform_at(seed_, stream, index);
}

int Words::between(uint32_t stream, uint64_t index, int low, int high) const {
  const double place = uniform(stream, index) * (high - low + 1);
  return std::min(high, low + static_cast<int>(place));
}

int Words::log_between(uint32_t stream, uint64_t index, int low, int high) const {
  const double place = uniform(stream, index);
  return static_cast<int>(std::lround(low * std::pow(static_cast<double>(high) / low, place)));
}

std::string Words::text(uint32_t stream, uint64_t index, int tokens) const {
  std::string text;
  uint32_t draw = 1;
  for (int so_far = 0; so_far < tokens;) {
    const double place = uniform_at(seed_, stream, index, draw++);
    const auto word = static_cast<size_t>(place * static_cast<double>(kWords.size()));
    so_far += tokens_of_word_[word];
    if (!text.empty()) text.push_back(' ');
    text.append(kWords[word]);
  }
  return text;
}

std::vector<int32_t> Words::ids(uint32_t stream, uint64_t index, int tokens) const {
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  uint32_t draw = 1;
  for (int32_t& id : ids) {
    const double place = uniform_at(seed_, stream, index, draw++);
    id = plain_ids_[static_cast<size_t>(place * static_cast<double>(plain_ids_.size()))];
  }
  return ids;
}

}  // namespace kilotoken::bench
