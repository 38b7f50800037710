#pragma once
// Tokenizer: text to token ids and back, as the model's own files define it. Const after loading;
// every function may be called from any thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/text/text_rules.h"
#include "model/weights/gguf.h"

namespace kilotoken {

struct EncodeOptions {
  bool add_special_tokens = true;  // what the tokenizer puts around a text, such as BOS
  bool specials_as_text = false;   // special tokens written out in the text are text like any other
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // kInvalid for text that is not UTF-8, kTooLarge for one that is too long or takes the
  // tokenizer's patterns too long. Special tokens written out in the text are recognised, unless
  // told otherwise.
  virtual Result<std::vector<int32_t>> encode(std::string_view text,
                                              const EncodeOptions& options) const = 0;
  Result<std::vector<int32_t>> encode(std::string_view text, bool add_special_tokens) const {
    return encode(text, EncodeOptions{.add_special_tokens = add_special_tokens});
  }

  struct Pair {
    std::vector<int32_t> ids, types;  // types: which text an id belongs to, as BERT counts it
  };
  // Two texts, as cross-encoders take them.
  virtual Result<Pair> encode_pair(std::string_view first, std::string_view second,
                                   const EncodeOptions& options) const = 0;

  // The whole text, as HF's decode(skip_special_tokens), which for a tokenizer with byte tokens
  // gives up a whole run of them for one bad byte: the good ones stay here, so that a stream says
  // the same as the whole. Ids outside the vocabulary give nothing.
  std::string decode(std::span<const int32_t> ids, bool skip_special_tokens) const;

  // The bytes one token stands for in the middle of a text (a byte token gives one byte, which may
  // be part of a character; "▁" gives a space). Empty for an id outside the vocabulary.
  virtual std::string_view token_bytes(int32_t id) const = 0;
  // The same at the beginning of a text, at its end, or both. `last` counts only where
  // text_rules().last_differs.
  virtual std::string_view token_bytes_at(int32_t id, bool first, bool last) const = 0;
  virtual const TextRules& text_rules() const = 0;

  virtual bool is_special(int32_t id) const = 0;
  virtual int vocab_size() const = 0;
  // The token as the tokenizer's file writes it ("▁the", "Ġthe", "<|eot_id|>"); empty outside the
  // vocabulary. And back: nothing if no token is written so.
  virtual std::string_view token(int32_t id) const = 0;
  virtual std::optional<int32_t> token_id(std::string_view token) const = 0;
};

// Both refuse, by name (kUnsupported), every part of a tokenizer that is not in this build.
// kNotFound: the GGUF file holds no tokenizer.
Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(const Json& tokenizer_json,
                                                       std::string_view where);
Result<std::unique_ptr<Tokenizer>> tokenizer_from_gguf(const GgufFile& file,
                                                       std::string_view where);

// Bytes and letter groups up to `vocab_size`, without special tokens: every text comes back as it
// was. For weights that were made up. kInvalid below 256.
Result<std::unique_ptr<Tokenizer>> make_synthetic_tokenizer(int vocab_size);

}  // namespace kilotoken
