#pragma once
// A conversation in a request, and the tokens that the chat template makes of it.

#include <string>
#include <vector>

#include "serve/api/json_fields.h"
#include "serve/api/routes.h"

namespace kilotoken {

struct Conversation {
  OrderedJson messages;         // see read_messages
  OrderedJson documents;        // null, or a list of objects
  OrderedJson template_kwargs;  // null, or an object: more variables of the template
  std::string chat_template;    // empty: the model's
  bool add_generation_prompt = true;
  bool continue_final_message = false;
};

// kInvalid names the field.
Result<Conversation> read_chat(JsonFields& fields);

// The prompt, at least one token. kInvalid without a tokenizer or template, and with the template's
// own words where it takes no such messages; kUnsupported for a template of the request's own that
// the operator does not allow. Const: on any thread.
Result<std::vector<int32_t>> chat_tokens(const ApiContext& context, const Conversation& chat,
                                         bool add_special_tokens);

}  // namespace kilotoken
