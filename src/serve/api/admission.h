#pragma once
// Admission: from tokens and what was asked to requests of the engine: limits, seeds, submission.
// The endpoints that generate text share it.

#include <optional>
#include <string>
#include <vector>

#include "serve/api/choice_output.h"
#include "serve/api/generation_answer.h"
#include "serve/api/request_body.h"

namespace kilotoken {

// What sampling is when the request does not say: the model's own generation defaults, as in vLLM.
SamplingParams default_sampling(const ServedModel& model);

// kNotFound, field "model", for a name that is not served.
Result<void> check_generation(const ApiContext& context, const GenerationRequest& asked);

struct TokenPrompt {
  std::vector<int32_t> tokens;  // at least one
  std::string echo{}, role{};   // see ServedPrompt
};

// Whose request it is, and since when it has waited.
struct Asker {
  int64_t arrival_ns = 0;
  std::string api_key;  // empty: none was asked for
};

struct GenerationJob {
  const AnswerShape& shape;
  std::string_view id_prefix;     // "cmpl-"
  std::string_view prompt_field;  // named when the context is exceeded
  Asker asker;
  GenerationRequest asked;
  std::vector<TokenPrompt> prompts;
};

// Hands all of it to the engine, which answers through `writer`; or refuses it whole: kTooLarge
// (context_length_exceeded), kFull, kUnavailable.
Result<void> admit(ApiContext& context, GenerationJob job, const WriterPtr& writer);

// Reads a body on the tokenizer's threads and answers what `serve` refuses. Returns at once.
using ServeBody = Result<void> (*)(ApiContext&, const std::string& body, const Asker&,
                                   const WriterPtr&);
void answer_from_body(ApiContext& context, const HttpRequest& request, const WriterPtr& writer,
                      ServeBody serve);

}  // namespace kilotoken
