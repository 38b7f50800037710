#include "serve/api/completion_answer.h"

#include <utility>

#include "net/sse.h"

namespace kilotoken {
namespace {

// Text from the engine is valid UTF-8; should a byte of it not be, the answer still is.
std::string dump(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace

CompletionAnswer::CompletionAnswer(CompletionHead head, CompletionRequest asked,
                                   std::vector<ServedPrompt> prompts, const Tokenizer* tokenizer,
                                   std::shared_ptr<ResponseWriter> writer)
    : head_(std::move(head)),
      asked_(std::move(asked)),
      prompts_(std::move(prompts)),
      writer_(std::move(writer)) {
  int index = 0;
  for (const ServedPrompt& prompt : prompts_) {
    prompt_tokens_ += static_cast<int>(prompt.request->prompt.size());
    for (int i = 0; i < asked_.sampling.n; ++i) {
      choices_.emplace_back(asked_, prompt, tokenizer, index++);
    }
  }
}

Result<void> CompletionAnswer::submit(const std::shared_ptr<CompletionAnswer>& self,
                                      EngineThread& engine) {
  self->engine_ = &engine;
  const RequestId first = self->prompts_.front().request->id;
  const size_t count = self->prompts_.size();
  const auto cancel = [&engine, first](size_t requests) {
    for (size_t i = 0; i < requests; ++i) engine.cancel(first + i);
  };
  for (size_t i = 0; i < count; ++i) {
    const Result<void> accepted = engine.submit(self->prompts_[i].request, self);
    if (accepted.ok()) continue;
    const std::lock_guard lock(self->mutex_);
    // Some of its prompts may have failed already, and said so.
    if (!std::exchange(self->over_, true)) {
      cancel(i);
      return accepted.error();
    }
    return {};
  }
  self->writer_->on_closed([cancel, count] { cancel(count); });
  return {};
}

void CompletionAnswer::on_delta(const ChoiceDelta& delta) {
  const std::lock_guard lock(mutex_);
  if (over_) return;
  if (!delta.error.empty()) return fail(delta.error);
  const auto prompt = static_cast<size_t>(delta.request - prompts_.front().request->id);
  const size_t index =
      prompt * static_cast<size_t>(asked_.sampling.n) + static_cast<size_t>(delta.choice);
  CompletionChoice& choice = choices_[index];
  choice.add(delta);
  output_tokens_ += static_cast<int>(delta.tokens.size());
  if (asked_.stream && choice.has_news()) stream(choice);
  if (delta.finish && ++finished_ == asked_.choice_count()) finish();
}

void CompletionAnswer::stream(CompletionChoice& choice) {
  if (!std::exchange(streaming_, true)) {
    HttpHeaders headers = head_.headers;
    headers.emplace_back("content-type", "text/event-stream");
    headers.emplace_back("cache-control", "no-cache");
    headers.emplace_back("x-accel-buffering", "no");  // proxies that would collect the events
    writer_->begin_stream(200, std::move(headers));
  }
  OrderedJson chunk = body("text_completion");
  chunk["choices"] = OrderedJson::array({choice.take()});
  if (asked_.include_usage) chunk["usage"] = asked_.continuous_usage ? usage() : nullptr;
  writer_->write(sse_event(dump(chunk)));
}

void CompletionAnswer::finish() {
  over_ = true;
  OrderedJson last = body("text_completion");
  last["choices"] = OrderedJson::array();
  if (!asked_.stream) {
    for (CompletionChoice& choice : choices_) last["choices"].push_back(choice.take());
  }
  last["usage"] = usage();
  if (!asked_.stream) {
    HttpHeaders headers = head_.headers;
    headers.emplace_back("content-type", "application/json");
    return writer_->send({200, std::move(headers), dump(last)});
  }
  if (asked_.include_usage) writer_->write(sse_event(dump(last)));
  writer_->write(sse_done());
  writer_->end();
}

// Before the header this is a status; after it, an event without the end that a whole answer has.
void CompletionAnswer::fail(const std::string& message) {
  over_ = true;
  for (const ServedPrompt& prompt : prompts_) engine_->cancel(prompt.request->id);
  HttpResponse response = error_response(500, "server_error", message);
  if (!streaming_) return writer_->send(std::move(response));
  writer_->write(sse_event(response.body));
  writer_->abort();
}

OrderedJson CompletionAnswer::body(const char* object) const {
  return {{"id", head_.id}, {"object", object}, {"created", head_.created}, {"model", head_.model}};
}

OrderedJson CompletionAnswer::usage() const { return usage_json(prompt_tokens_, output_tokens_); }

}  // namespace kilotoken
