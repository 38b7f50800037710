#pragma once
// ChatTemplate: messages to the text of a prompt, as the model's own Jinja template says and as
// Hugging Face transformers' apply_chat_template renders it (transformers 5,
// utils/chat_template_utils.py). Const after compile; render may be called from any thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kilotoken {

namespace jinja {
class Template;
}

// By the names that templates use: ("bos_token", "<s>"), ("eos_token", "</s>"), ...
using SpecialTokens = std::vector<std::pair<std::string, std::string>>;

struct ChatInput {
  OrderedJson messages;   // an array of objects; the order of keys reaches the template
  OrderedJson tools;      // null, or an array of tool descriptions as the API received them
  OrderedJson documents;  // null, or an array of objects
  // More variables (the request's chat_template_kwargs): null or an object. They come last and may
  // replace any variable but "messages"; "add_generation_prompt" and "continue_final_message" here
  // replace the two below.
  OrderedJson extra;
  bool add_generation_prompt = false;
  // The prompt ends within the last message instead of after it.
  bool continue_final_message = false;
  int64_t now_unix_s = 0;  // what strftime_now shows, in UTC
};

// How the template expects message["content"]: a string, or a list of parts
// ({"type": "text", "text": ...}) that it loops over.
enum class ContentShape { kText, kParts };

class ChatTemplate {
 public:
  // `where` names the template in errors ("tokenizer_config.json"). kInvalid with the line for what
  // is not Jinja; kUnsupported for statements that read other templates.
  static Result<ChatTemplate> compile(std::string_view source, SpecialTokens special_tokens,
                                      std::string_view where);

  // kInvalid, with the template's own words where it calls raise_exception, for messages that it
  // does not take, and for a limit of model/jinja that it runs into; the message names the limit.
  Result<std::string> render(const ChatInput& input) const;

  // As vLLM's --chat-template-content-format auto decides: from what the template loops over.
  ContentShape content_shape() const { return content_shape_; }

 private:
  ChatTemplate(std::shared_ptr<const jinja::Template> parsed, SpecialTokens special_tokens,
               std::string where);

  std::shared_ptr<const jinja::Template> parsed_;
  SpecialTokens special_tokens_;
  std::string where_;
  ContentShape content_shape_;
};

}  // namespace kilotoken
