#pragma once
// Two hash tables with open addressing, built once and read in the inner loops of encoding: strings
// to ids, and pairs of ids to merges. Lookups allocate nothing.

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace kilotoken {

inline uint64_t mixed_bits(uint64_t value) {
  value ^= value >> 32;
  value *= 0x9E3779B97F4A7C15u;
  return value ^ value >> 29;
}

inline uint64_t hash_of(std::string_view text) {
  uint64_t hash = text.size() * 0x9E3779B97F4A7C15u;
  while (text.size() >= 8) {
    uint64_t eight;
    std::memcpy(&eight, text.data(), 8);
    hash = mixed_bits(hash ^ eight) * 0xD6E8FEB86659FD93u;
    text.remove_prefix(8);
  }
  uint64_t rest = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    rest |= uint64_t{static_cast<uint8_t>(text[i])} << 8 * i;
  }
  return mixed_bits(hash ^ rest);
}

// Strings to ids from 0 on. The strings themselves are copied into one block.
class StringTable {
 public:
  // `count` strings of `bytes` bytes in all will be put in.
  void reserve(size_t count, size_t bytes) {
    size_t size = 16;
    while (size < count * 2) size *= 2;
    slots_.assign(size, Slot{});
    text_.reserve(bytes);
  }
  // False if the string has an id already, which it keeps.
  bool put(std::string_view text, int32_t id) {
    Slot& slot = slots_[place_of(text)];
    if (slot.id >= 0) return false;
    slot = {static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text.size()), id,
            static_cast<uint32_t>(hash_of(text) >> 32)};
    text_.insert(text_.end(), text.begin(), text.end());
    return true;
  }
  // -1 if it has none.
  int32_t find(std::string_view text) const {
    return slots_.empty() ? -1 : slots_[place_of(text)].id;
  }

 private:
  struct Slot {
    uint32_t begin = 0, size = 0;
    int32_t id = -1;
    uint32_t hash = 0;
  };
  size_t place_of(std::string_view text) const {
    const uint64_t hash = hash_of(text);
    const size_t mask = slots_.size() - 1;
    const auto check = static_cast<uint32_t>(hash >> 32);
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.id < 0) return at;
      if (slot.hash == check && std::string_view(text_.data() + slot.begin, slot.size) == text) {
        return at;
      }
    }
  }
  std::vector<Slot> slots_;
  std::vector<char> text_;
};

// Pairs of ids (not negative) to a merge.
class PairTable {
 public:
  struct Merge {
    uint32_t rank = UINT32_MAX;  // least first; UINT32_MAX: the two do not merge
    int32_t merged = -1;
  };

  void reserve(size_t count) {
    size_t size = 16;
    while (size < count + count / 2) size *= 2;
    slots_.assign(size, Slot{});
  }
  // A pair that is put in again takes the new merge.
  void put(int32_t left, int32_t right, Merge merge) {
    const uint64_t key = key_of(left, right);
    slots_[place_of(key)] = {key, merge};
  }
  Merge find(int32_t left, int32_t right) const {
    return slots_.empty() ? Merge{} : slots_[place_of(key_of(left, right))].merge;
  }

 private:
  static constexpr uint64_t kNone = UINT64_MAX;  // no pair of ids
  struct Slot {
    uint64_t key = kNone;
    Merge merge;
  };
  static uint64_t key_of(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  size_t place_of(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    size_t at = mixed_bits(key * 0xD6E8FEB86659FD93u) & mask;
    while (slots_[at].key != key && slots_[at].key != kNone) at = (at + 1) & mask;
    return at;
  }
  std::vector<Slot> slots_;
};

}  // namespace kilotoken
