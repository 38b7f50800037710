#include "serve/api/generation_answer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "net/sse.h"
#include "serve/api/token_output.h"

namespace kilotoken {
namespace {

// Text from the engine is valid UTF-8; should a byte of it not be, the answer still is.
std::string dump(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace

GenerationAnswer::GenerationAnswer(const AnswerShape& shape, AnswerHead head,
                                   GenerationRequest asked, std::vector<ServedPrompt> prompts,
                                   const Tokenizer* tokenizer,
                                   std::shared_ptr<ResponseWriter> writer)
    : shape_(shape),
      head_(std::move(head)),
      asked_(std::move(asked)),
      prompts_(std::move(prompts)),
      writer_(std::move(writer)),
      cached_tokens_(prompts_.size()) {
  int index = 0;
  for (const ServedPrompt& prompt : prompts_) {
    prompt_tokens_ += static_cast<int>(prompt.request->prompt.size());
    for (int i = 0; i < asked_.sampling.n; ++i) {
      choices_.push_back(shape_.make_choice(asked_, prompt, tokenizer, index++));
    }
  }
}

Result<void> GenerationAnswer::submit(const std::shared_ptr<GenerationAnswer>& self,
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

void GenerationAnswer::on_delta(const ChoiceDelta& delta) {
  const std::lock_guard lock(mutex_);
  if (over_) return;
  if (!delta.error.empty()) return fail(delta.error);
  const auto prompt = static_cast<size_t>(delta.request - prompts_.front().request->id);
  const size_t index =
      prompt * static_cast<size_t>(asked_.sampling.n) + static_cast<size_t>(delta.choice);
  ChoiceOutput& choice = *choices_[index];
  if (asked_.stream && !choice.started()) begin(choice, /*first=*/index == 0);
  choice.add(delta);
  cached_tokens_[prompt] = delta.cached_tokens;
  output_tokens_ += static_cast<int>(delta.tokens.size());
  if (delta.times) note_times(*delta.times);
  if (asked_.stream) {
    for (OrderedJson& chunk : choice.chunks()) write_chunk(piece(std::move(chunk)));
  }
  if (delta.finish && ++finished_ == choices_.size()) finish();
}

// The header is sent no earlier than this: a failure before the first token has its own status.
void GenerationAnswer::begin(const ChoiceOutput& choice, bool first) {
  if (!std::exchange(streaming_, true)) {
    HttpHeaders headers = head_.headers;
    headers.emplace_back("content-type", "text/event-stream");
    headers.emplace_back("cache-control", "no-cache");
    headers.emplace_back("x-accel-buffering", "no");  // proxies that would collect the events
    writer_->begin_stream(200, std::move(headers));
  }
  OrderedJson opening = choice.opening();
  if (opening.is_null()) return;
  OrderedJson chunk = piece(std::move(opening));
  if (first) choice.add_beside(chunk);
  write_chunk(chunk);
}

OrderedJson GenerationAnswer::piece(OrderedJson choice) const {
  OrderedJson chunk = body(shape_.chunk_object);
  chunk["choices"] = OrderedJson::array();
  chunk["choices"].push_back(std::move(choice));
  return chunk;
}

void GenerationAnswer::write_chunk(OrderedJson chunk) {
  if (asked_.include_usage) chunk["usage"] = asked_.continuous_usage ? usage() : nullptr;
  writer_->write(sse_event(dump(chunk)));
}

void GenerationAnswer::finish() {
  over_ = true;
  if (asked_.stream) {
    if (asked_.include_usage || asked_.include_timings) {
      OrderedJson last = body(shape_.chunk_object);
      last["choices"] = OrderedJson::array();
      if (asked_.include_usage) last["usage"] = usage();
      if (asked_.include_timings) last["timings"] = timings();
      writer_->write(sse_event(dump(last)));
    }
    writer_->write(sse_done());
    return writer_->end();
  }
  OrderedJson answer = body(shape_.object);
  answer["choices"] = OrderedJson::array();
  for (const auto& choice : choices_) answer["choices"].push_back(choice->whole());
  answer["usage"] = usage();
  if (asked_.include_timings) answer["timings"] = timings();
  choices_.front()->add_beside(answer);
  HttpHeaders headers = head_.headers;
  headers.emplace_back("content-type", "application/json");
  writer_->send({200, std::move(headers), dump(answer)});
}

// Before the header this is a status; after it, an event without the end that a whole answer has.
void GenerationAnswer::fail(const std::string& message) {
  over_ = true;
  for (const ServedPrompt& prompt : prompts_) engine_->cancel(prompt.request->id);
  HttpResponse response = error_response(500, "server_error", message);
  if (!streaming_) return writer_->send(std::move(response));
  writer_->write(sse_event(response.body));
  writer_->abort();
}

OrderedJson GenerationAnswer::body(std::string_view object) const {
  return {{"id", head_.id}, {"object", object}, {"created", head_.created}, {"model", head_.model}};
}

OrderedJson GenerationAnswer::usage() const {
  const int cached = std::accumulate(cached_tokens_.begin(), cached_tokens_.end(), 0);
  return usage_json(prompt_tokens_, cached, output_tokens_);
}

// Several prompts are one request to the client: from the first that was computed to the last end.
void GenerationAnswer::note_times(const RequestTimes& times) {
  const auto earliest = [](int64_t& kept, int64_t seen) {
    if (seen > 0 && (kept == 0 || seen < kept)) kept = seen;
  };
  earliest(times_.first_scheduled_ns, times.first_scheduled_ns);
  earliest(times_.first_token_ns, times.first_token_ns);
  times_.finished_ns = std::max(times_.finished_ns, times.finished_ns);
  times_.preemptions += times.preemptions;
  times_.preempted_ns += times.preempted_ns;
}

OrderedJson GenerationAnswer::timings() const {
  const Request& request = *prompts_.front().request;
  const auto ms = [](int64_t from, int64_t to) -> OrderedJson {
    if (from == 0 || to == 0) return nullptr;  // it never came to that
    return static_cast<double>(to - from) * 1e-6;
  };
  const int64_t queued_ns = request.tokenized_ns > 0 ? request.tokenized_ns : request.arrival_ns;
  return {{"tokenize_ms", ms(request.arrival_ns, queued_ns)},
          {"queue_ms", ms(queued_ns, times_.first_scheduled_ns)},
          {"prefill_ms", ms(times_.first_scheduled_ns, times_.first_token_ns)},
          {"decode_ms", ms(times_.first_token_ns, times_.finished_ns)},
          {"preempted_ms", static_cast<double>(times_.preempted_ns) * 1e-6},
          {"preemptions", times_.preemptions}};
}

}  // namespace kilotoken
