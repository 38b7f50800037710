#include "model/text/models/letter_groups.h"

#include "base/check.h"

namespace kilotoken {
namespace {

struct Block {
  bool space;
  int letters;
  int32_t begin;  // id of "a", "aa", ...
  int32_t count;  // 26 to the power of `letters`
};

// Short groups first, so that a small vocabulary has them all. The last block is as long as ids go.
constexpr Block kBlocks[] = {
    {true, 1, 256, 26},           {false, 2, 282, 676},       {true, 2, 958, 676},
    {true, 3, 1'634, 17'576},     {false, 3, 19'210, 17'576}, {true, 4, 36'786, 456'976},
    {false, 4, 493'762, 456'976},
};

const Block* block_of(bool space, int letters) {
  for (const Block& block : kBlocks) {
    if (block.space == space && block.letters == letters) return &block;
  }
  return nullptr;
}

class LetterGroups final : public TextModel {
 public:
  explicit LetterGroups(int32_t vocab_size) : vocab_size_(vocab_size) {
    KT_CHECK_GE(vocab_size, kLetterGroupsBegin);
  }

  Result<void> encode(std::string_view text, std::vector<int32_t>& ids,
                      ModelScratch&) const override {
    while (!text.empty()) {
      const auto [id, size] = longest(text);
      ids.push_back(id);
      text.remove_prefix(size);
    }
    return {};
  }

 private:
  struct Found {
    int32_t id;
    size_t size;
  };

  Found longest(std::string_view text) const {
    constexpr size_t kMostLetters = 4;
    const size_t space = text.front() == ' ' ? 1 : 0;
    const std::string_view letters = text.substr(space, kMostLetters);
    size_t count = 0;
    while (count < letters.size() && letters[count] >= 'a' && letters[count] <= 'z') ++count;
    for (; count > 0; --count) {
      const Block* block = block_of(space > 0, static_cast<int>(count));
      if (!block) continue;
      int32_t index = 0;
      for (const char letter : letters.substr(0, count)) index = index * 26 + (letter - 'a');
      if (block->begin + index < vocab_size_) return {block->begin + index, space + count};
    }
    return {static_cast<unsigned char>(text.front()), 1};
  }

  const int32_t vocab_size_;
};

}  // namespace

std::string letter_group(int32_t id) {
  KT_CHECK_GE(id, kLetterGroupsBegin);
  for (const Block& block : kBlocks) {
    if (id >= block.begin + block.count) continue;
    std::string text(static_cast<size_t>(block.letters), 'a');
    int32_t index = id - block.begin;
    for (size_t i = text.size(); i-- > 0; index /= 26)
      text[i] = static_cast<char>('a' + index % 26);
    return (block.space ? " " : "") + text;
  }
  return "<" + std::to_string(id) + ">";  // no text ends up here
}

std::unique_ptr<TextModel> make_letter_groups(int32_t vocab_size) {
  return std::make_unique<LetterGroups>(vocab_size);
}

}  // namespace kilotoken
