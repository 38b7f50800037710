#include "serve/api/admission.h"

#include <algorithm>
#include <utility>

#include "serve/api/tokenizer_pool.h"

namespace kilotoken {
namespace {

// The limit for this prompt: as asked, or the default as far as there is room.
Result<int> max_tokens_for(const ServedModel& model, const GenerationJob& job,
                           size_t prompt_tokens) {
  const int64_t context = model.max_model_len();
  const int64_t room = context - static_cast<int64_t>(prompt_tokens);
  int64_t wanted = job.asked.sampling.max_tokens;
  if (!job.asked.max_tokens_given) wanted = std::max<int64_t>(1, std::min(wanted, room));
  if (wanted <= room) return static_cast<int>(wanted);
  return Error{ErrorCode::kTooLarge,
               "This model's maximum context length is " + std::to_string(context) +
                   " tokens. However, you requested " +
                   std::to_string(static_cast<int64_t>(prompt_tokens) + wanted) + " tokens (" +
                   std::to_string(prompt_tokens) + " in the " + std::string(job.prompt_field) +
                   ", " + std::to_string(wanted) + " in the completion). Please reduce the " +
                   "length of the " + std::string(job.prompt_field) + " or the completion.",
               std::string(job.prompt_field)};
}

void refuse(ApiContext& context, const WriterPtr& writer, const Error& error) {
  if (error.code == ErrorCode::kFull) context.refused_full.add();
  writer->send(to_response(error));
}

Result<std::vector<ServedPrompt>> make_requests(ApiContext& context, GenerationJob& job) {
  ServedModel& model = context.model;
  const RequestId first = context.next_request_id.fetch_add(job.prompts.size());
  std::vector<ServedPrompt> served;
  for (TokenPrompt& prompt : job.prompts) {
    auto request = std::make_shared<Request>();
    request->id = first + served.size();
    request->arrival_ns = job.asker.arrival_ns;
    request->tokenized_ns = context.clock.now_ns();
    request->sampling = job.asked.sampling;
    KT_TRY(request->sampling.max_tokens, max_tokens_for(model, job, prompt.tokens.size()));
    request->prompt = std::move(prompt.tokens);
    request->sampling.seed =
        job.asked.seed ? static_cast<uint64_t>(*job.asked.seed) : model.seed_for_request();
    request->cache_salt = salt_for(job.asker.api_key, job.asked.cache_salt);
    request->shared_tokens = context.sharing.shared_tokens(request->prompt);
    request->eos_token_ids = model.defaults().eos_token_ids;
    served.push_back({std::move(prompt.echo), std::move(request), std::move(prompt.role)});
  }
  return served;
}

}  // namespace

SamplingParams default_sampling(const ServedModel& model) {
  const auto& defaults = model.defaults();
  SamplingParams sampling;
  sampling.temperature = defaults.do_sample ? defaults.temperature.value_or(1.0f) : 0.0f;
  sampling.top_k = defaults.top_k.value_or(sampling.top_k);
  sampling.top_p = defaults.top_p.value_or(sampling.top_p);
  sampling.min_p = defaults.min_p.value_or(sampling.min_p);
  sampling.repetition_penalty = defaults.repetition_penalty.value_or(sampling.repetition_penalty);
  return sampling;
}

Result<void> check_generation(const ApiContext& context, const GenerationRequest& asked) {
  if (!asked.sampling.stop.empty() && !context.model.tokenizer()) {
    return invalid("this model has no tokenizer: use stop_token_ids instead of stop", "stop");
  }
  KT_TRY_VOID(check_ignored(context, asked.unknown));
  if (asked.model.empty() || context.serves(asked.model)) return {};
  return no_such_model(asked.model);
}

Result<void> admit(ApiContext& context, GenerationJob job, const WriterPtr& writer) {
  KT_TRY(std::vector<ServedPrompt> prompts, make_requests(context, job));
  const GenerationRequest& asked = job.asked;
  AnswerHead head;
  head.id = random_id(job.id_prefix);
  head.model = asked.model.empty() ? context.config.served_model_names.front() : asked.model;
  head.created = context.clock.unix_s();
  head.headers = ignored_header(context, asked.ignored());
  const auto answer =
      std::make_shared<GenerationAnswer>(job.shape, std::move(head), std::move(job.asked),
                                         std::move(prompts), context.model.tokenizer(), writer);
  return GenerationAnswer::submit(answer, context.model.engine());
}

void answer_from_body(ApiContext& context, const HttpRequest& request, const WriterPtr& writer,
                      ServeBody serve) {
  if (auto refused = refuse_body(context, request)) return writer->send(std::move(*refused));
  const auto work = [&context, writer, serve, body = request.body,
                     asker =
                         Asker{context.clock.now_ns(), std::string(context.keys.shown(request))}] {
    const Result<void> done = serve(context, body, asker, writer);
    if (!done.ok()) refuse(context, writer, done.error());
  };
  const Result<void> queued = context.tokenizer_pool.submit(writer, request.body.size(), work);
  if (!queued.ok()) refuse(context, writer, queued.error());
}

}  // namespace kilotoken
