#pragma once
// Where a model keeps its chat templates: tokenizer_config.json, chat_template.jinja, or the
// metadata of a GGUF file; and the special tokens that templates name.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/text/chat_template.h"
#include "model/weights/gguf.h"

namespace kilotoken {

// One model's templates by name. A model with a single template calls it "default".
struct TemplateSources {
  std::vector<std::pair<std::string, std::string>> by_name;  // (name, Jinja source)

  bool empty() const { return by_name.empty(); }
  const std::string* find(std::string_view name) const;  // null if there is none

  // As transformers chooses: `name` if one is given, else "tool_use" for a request with tools if
  // there is one, else "default". kNotFound names what there is.
  Result<std::string> choose(std::string_view name, bool has_tools) const;
};

// tokenizer_config.json's "chat_template": a string, or a list of {"name", "template"}. Empty if
// there is none. `where` names the file in errors.
Result<TemplateSources> templates_from_config(const Json& tokenizer_config, std::string_view where);

// "tokenizer.chat_template" and "tokenizer.chat_template.<name>". Empty if there is none.
Result<TemplateSources> templates_from_gguf(const GgufFile::Metadata& metadata,
                                            std::string_view where);

// bos_token, eos_token, unk_token, sep_token, pad_token, cls_token and mask_token, each a string or
// an object with "content"; null is as good as absent. special_tokens_map.json (or null) fills in
// what tokenizer_config.json does not say.
Result<SpecialTokens> special_tokens_from_config(const Json& tokenizer_config,
                                                 const Json& special_tokens_map,
                                                 std::string_view where);

// The same names from "tokenizer.ggml.bos_token_id" and its like.
Result<SpecialTokens> special_tokens_from_gguf(const GgufFile::Metadata& metadata,
                                               std::string_view where);

}  // namespace kilotoken
