#pragma once
// GenerationAnswer: gathers what the engine says about one HTTP request's prompts and choices, and
// writes it to the client in the endpoint's shape, at the end or as a stream.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/run/engine_thread.h"
#include "net/http.h"
#include "serve/api/choice_output.h"

namespace kilotoken {

// What differs between endpoints.
struct AnswerShape {
  std::string_view object, chunk_object;  // names of the whole answer and of a piece
  std::unique_ptr<ChoiceOutput> (*make_choice)(const GenerationRequest&, const ServedPrompt&,
                                               const Tokenizer*, int index);
};

template <typename Choice>
std::unique_ptr<ChoiceOutput> make_choice_of(const GenerationRequest& asked,
                                             const ServedPrompt& prompt, const Tokenizer* tokenizer,
                                             int index) {
  return std::make_unique<Choice>(asked, prompt, tokenizer, index);
}

struct AnswerHead {
  std::string id;     // "cmpl-...", "chatcmpl-..."
  std::string model;  // as the client named it
  int64_t created = 0;
  HttpHeaders headers;
};

class GenerationAnswer final : public OutputSink {
 public:
  // The ids of the prompts' requests follow one another.
  GenerationAnswer(const AnswerShape& shape, AnswerHead head, GenerationRequest asked,
                   std::vector<ServedPrompt> prompts, const Tokenizer* tokenizer,
                   std::shared_ptr<ResponseWriter> writer);

  // Hands every prompt to the engine, or none: a refusal takes back those before it. `self` is
  // what the engine keeps.
  static Result<void> submit(const std::shared_ptr<GenerationAnswer>& self, EngineThread& engine);

  void on_delta(const ChoiceDelta& delta) override;

 private:
  void begin(const ChoiceOutput& choice, bool first);
  OrderedJson piece(OrderedJson choice) const;
  void write_chunk(OrderedJson chunk);
  void finish();
  void fail(const std::string& message);
  OrderedJson body(std::string_view object) const;
  OrderedJson usage() const;
  void note_times(const RequestTimes& times);
  OrderedJson timings() const;

  const AnswerShape shape_;
  const AnswerHead head_;
  const GenerationRequest asked_;
  const std::vector<ServedPrompt> prompts_;
  const std::shared_ptr<ResponseWriter> writer_;
  int prompt_tokens_ = 0;
  EngineThread* engine_ = nullptr;

  std::mutex mutex_;  // the engine may answer the first prompt while the last is being handed over
  std::vector<std::unique_ptr<ChoiceOutput>> choices_;  // [prompt * n + choice]
  std::vector<int> cached_tokens_;                      // by prompt
  int output_tokens_ = 0;
  RequestTimes times_;  // of the prompts that are done, together
  size_t finished_ = 0;
  bool streaming_ = false;  // the header is sent
  bool over_ = false;       // nothing more is written
};

}  // namespace kilotoken
