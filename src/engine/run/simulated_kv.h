#pragma once
// A model that is no model: what a token "means" is a hash of all tokens before it, kept in KV
// pages as keys and values are, and read back from them. The next token is a function of what was
// read. So a page that is stale, missing, shared wrongly or in the wrong place changes the output,
// and the right output is known without any page (SimulatedHistory).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kilotoken {

uint64_t simulated_salt(const std::string& cache_salt);
// What the token at `position` writes to its slot, after a sequence that reads as `before`.
uint64_t simulated_slot(uint64_t before, int32_t token, int position);
// What a slot adds to how the whole sequence reads. Pages in another order read differently.
uint64_t simulated_share(uint64_t slot, int page);
// The token drawn at `position` after a sequence that reads as `before`.
int32_t simulated_token(uint64_t before, uint64_t seed, int choice, int position, int vocab_size);
float simulated_logprob(uint64_t before, int32_t token);

// How a sequence of tokens reads, without pages.
class SimulatedHistory {
 public:
  SimulatedHistory(const std::string& cache_salt, int page_tokens)
      : reads_(simulated_salt(cache_salt)), page_tokens_(page_tokens) {}

  void append(int32_t token) {
    reads_ += simulated_share(simulated_slot(reads_, token, length_), length_ / page_tokens_);
    ++length_;
  }
  uint64_t reads() const { return reads_; }
  int length() const { return length_; }

 private:
  uint64_t reads_;
  int page_tokens_;
  int length_ = 0;
};

// The slots of all pages.
class SimulatedKv {
 public:
  SimulatedKv(int page_count, int page_tokens);

  struct Reading {
    uint64_t sum = 0;
    bool is_number = true;  // no NaN among what was read
  };
  // The first `count` positions of a sequence with this block table, every slot anew.
  Reading read(std::span<const int32_t> pages, int count) const;
  void write(int32_t page, int slot, uint64_t value);
  void copy(int32_t from, int32_t to, int slots);  // the first ones
  void write_nan(int32_t page, int slot);
  void scramble(int32_t page);  // what a freed page holds is nobody's business

  int page_tokens() const { return page_tokens_; }
  int page_count() const { return static_cast<int>(first_nan_.size()); }

 private:
  size_t at(int32_t page, int slot) const {
    return static_cast<size_t>(page) * static_cast<size_t>(page_tokens_) +
           static_cast<size_t>(slot);
  }

  int page_tokens_;
  std::vector<uint64_t> slots_;  // [page, slot]
  std::vector<int> first_nan_;   // by page: the first slot that is no number, or page_tokens
  uint64_t scrambles_ = 0;
};

}  // namespace kilotoken
