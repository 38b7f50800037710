#pragma once
// Tokenizer: text to token ids and back, as the model's own files define it. Const after loading;
// encode and decode may be called from any thread.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/weights/gguf.h"

namespace kilotoken {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // kInvalid for text that is not UTF-8. Special tokens written out in the text are recognised.
  virtual Result<std::vector<int32_t>> encode(std::string_view text,
                                              bool add_special_tokens) const = 0;

  // The whole text, as HF's decode(skip_special_tokens). Each byte that belongs to no character
  // becomes U+FFFD (where HF gives up a whole run of byte tokens for one bad byte, the good ones
  // stay here, so that a stream says the same as the whole). Ids outside the vocabulary give
  // nothing.
  virtual std::string decode(std::span<const int32_t> ids, bool skip_special_tokens) const = 0;

  // The bytes one token stands for in the middle of a text (a byte token gives one byte, which may
  // be part of a character; "▁" gives a space). Empty for an id outside the vocabulary.
  virtual std::string_view token_bytes(int32_t id) const = 0;
  virtual bool is_special(int32_t id) const = 0;

  // True if decode() drops one leading space of the text (the one that encode() put there).
  virtual bool strips_leading_space() const = 0;

  virtual int vocab_size() const = 0;
};

// Both refuse, by name (kUnsupported), every part of a tokenizer that is not in this build.
// kNotFound: the GGUF file holds no tokenizer.
Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(const Json& tokenizer_json,
                                                       std::string_view where);
Result<std::unique_ptr<Tokenizer>> tokenizer_from_gguf(const GgufFile& file,
                                                       std::string_view where);

}  // namespace kilotoken
