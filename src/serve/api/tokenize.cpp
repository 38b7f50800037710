// POST /tokenize and /detokenize, as vLLM has them.

#include <array>
#include <string_view>

#include "model/text/tokenizer.h"
#include "serve/api/admission.h"
#include "serve/api/chat_prompt.h"
#include "serve/api/json_fields.h"
#include "serve/api/token_output.h"

namespace kilotoken {
namespace {

struct TextToTokens {
  std::vector<int32_t> tokens;
  bool with_strings = false;
};

// They would be part of the prompt.
Result<void> refuse_tools(JsonFields& fields) {
  constexpr std::array<std::string_view, 1> kNames = {"tools"};
  return refuse_unsupported(fields, kNames);
}

Result<TextToTokens> tokenize(const ApiContext& context, JsonFields& fields) {
  const OrderedJson* prompt = fields.find("prompt");
  const bool is_chat = !prompt && fields.find("messages");
  if (!prompt && !is_chat) return invalid("prompt is missing", "prompt");
  if (prompt && !prompt->is_string()) return fields.wrong_type("prompt", "a string", *prompt);
  Conversation chat;
  if (is_chat) {
    KT_TRY(chat, read_chat(fields));
    KT_TRY_VOID(refuse_tools(fields));
  }
  bool add_special_tokens = !is_chat;  // a chat template writes its own
  TextToTokens result;
  KT_TRY_VOID(fields.read("add_special_tokens", add_special_tokens));
  KT_TRY_VOID(fields.read("return_token_strs", result.with_strings));
  KT_TRY_VOID(check_ignored(context, fields.unknown()));
  if (is_chat) {
    KT_TRY(result.tokens, chat_tokens(context, chat, add_special_tokens));
    return result;
  }
  auto tokens =
      context.model.tokenizer()->encode(prompt->get_ref<const std::string&>(), add_special_tokens);
  if (!tokens.ok()) return invalid("prompt: " + tokens.error().message, "prompt");
  result.tokens = std::move(*tokens);
  return result;
}

Result<OrderedJson> tokenize_json(const ApiContext& context, JsonFields& fields) {
  KT_TRY(const TextToTokens result, tokenize(context, fields));
  OrderedJson strings;
  if (result.with_strings) {
    strings = OrderedJson::array();
    for (const int32_t token : result.tokens) {
      strings.push_back(token_text(context.model.tokenizer(), token, /*as_id=*/false));
    }
  }
  return OrderedJson{{"count", result.tokens.size()},
                     {"max_model_len", context.model.max_model_len()},
                     {"tokens", result.tokens},
                     {"token_strs", std::move(strings)}};
}

Result<OrderedJson> detokenize_json(const ApiContext& context, JsonFields& fields) {
  if (!fields.find("tokens")) return invalid("tokens are missing", "tokens");
  std::vector<int32_t> tokens;
  KT_TRY_VOID(fields.read("tokens", tokens));
  KT_TRY_VOID(check_ignored(context, fields.unknown()));
  const int vocab_size = context.model.config().vocab_size;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= 0 && tokens[i] < vocab_size) continue;
    return invalid("tokens[" + std::to_string(i) + "] must be a token id from 0 to " +
                       std::to_string(vocab_size - 1) + ", not " + std::to_string(tokens[i]),
                   "tokens");
  }
  return OrderedJson{
      {"prompt", context.model.tokenizer()->decode(tokens, /*skip_special_tokens=*/false)}};
}

// Reads the body, has it converted, answers.
Result<void> serve(ApiContext& context, const std::string& body, const WriterPtr& writer,
                   Result<OrderedJson> (*convert)(const ApiContext&, JsonFields&)) {
  KT_TRY(const OrderedJson json, parse_ordered_json(body, "the request body"));
  if (!json.is_object()) {
    return invalid("the request body must be a JSON object, not " +
                   std::string(JsonFields::kind(json)));
  }
  JsonFields fields(json);
  std::string model;
  KT_TRY_VOID(fields.read("model", model));
  if (!model.empty() && !context.serves(model)) return no_such_model(model);
  if (!context.model.tokenizer()) {
    return Error{ErrorCode::kUnsupported, "this model has no tokenizer: it takes token ids", {}};
  }
  KT_TRY(const OrderedJson answer, convert(context, fields));
  const auto replace = OrderedJson::error_handler_t::replace;
  HttpResponse response = json_response(200, answer.dump(-1, ' ', false, replace));
  for (auto& header : ignored_header(context, fields.unknown())) {
    response.headers.push_back(std::move(header));
  }
  writer->send(std::move(response));
  return {};
}

}  // namespace

void answer_tokenize(ApiContext& context, const HttpRequest& request, const WriterPtr& writer) {
  answer_from_body(context, request, writer,
                   [](ApiContext& of, const std::string& body, const Asker&, const WriterPtr& to) {
                     return serve(of, body, to, tokenize_json);
                   });
}

void answer_detokenize(ApiContext& context, const HttpRequest& request, const WriterPtr& writer) {
  answer_from_body(context, request, writer,
                   [](ApiContext& of, const std::string& body, const Asker&, const WriterPtr& to) {
                     return serve(of, body, to, detokenize_json);
                   });
}

}  // namespace kilotoken
