#pragma once
// PieceTrie: every piece of a vocabulary that a text begins with, byte by byte.

#include <string_view>

#include "model/text/models/flat_tables.h"

namespace kilotoken {

class PieceTrie {
 public:
  // `bytes` of all the pieces that will be put in. A piece put in twice has the later id.
  void reserve(size_t bytes) {
    edges_.reserve(bytes);
    ids_.reserve(bytes + 1);
    ids_.assign(1, -1);
  }
  void put(std::string_view piece, int32_t id) {
    int32_t node = 0;
    for (const char byte : piece) {
      const int32_t letter = static_cast<uint8_t>(byte);
      int32_t next = edges_.find(node, letter).merged;
      if (next < 0) {
        next = static_cast<int32_t>(ids_.size());
        edges_.put(node, letter, {0, next});
        ids_.push_back(-1);
      }
      node = next;
    }
    ids_[static_cast<size_t>(node)] = id;
  }
  // found(bytes, id) for each piece that `text` begins with, the shortest first.
  template <typename Found>
  void each_prefix(std::string_view text, Found found) const {
    walk(0, text, found);
  }
  // A place within the trie, to go on from: -1 if no piece begins with `text`.
  int32_t node_of(std::string_view text) const {
    int32_t node = 0;
    for (size_t i = 0; node >= 0 && i < text.size(); ++i) {
      node = edges_.find(node, static_cast<uint8_t>(text[i])).merged;
    }
    return node;
  }
  template <typename Found>
  void walk(int32_t node, std::string_view text, Found found) const {
    for (size_t i = 0; node >= 0 && i < text.size(); ++i) {
      node = edges_.find(node, static_cast<uint8_t>(text[i])).merged;
      if (node >= 0 && ids_[static_cast<size_t>(node)] >= 0) {
        found(i + 1, ids_[static_cast<size_t>(node)]);
      }
    }
  }

 private:
  PairTable edges_;  // node and byte to the next node
  std::vector<int32_t> ids_;
};

}  // namespace kilotoken
