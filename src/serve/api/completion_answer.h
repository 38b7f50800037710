#pragma once
// CompletionAnswer: gathers what the engine says about one HTTP request's prompts and choices, and
// writes it to the client, at the end or as a stream.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/run/engine_thread.h"
#include "net/http.h"
#include "serve/api/completion_output.h"

namespace kilotoken {

struct CompletionHead {
  std::string id;     // "cmpl-..."
  std::string model;  // as the client named it
  int64_t created = 0;
  HttpHeaders headers;
};

class CompletionAnswer final : public OutputSink {
 public:
  // The ids of the prompts' requests follow one another.
  CompletionAnswer(CompletionHead head, CompletionRequest asked, std::vector<ServedPrompt> prompts,
                   const Tokenizer* tokenizer, std::shared_ptr<ResponseWriter> writer);

  // Hands every prompt to the engine, or none: a refusal takes back those before it. `self` is
  // what the engine keeps.
  static Result<void> submit(const std::shared_ptr<CompletionAnswer>& self, EngineThread& engine);

  void on_delta(const ChoiceDelta& delta) override;

 private:
  void stream(CompletionChoice& choice);
  void finish();
  void fail(const std::string& message);
  OrderedJson body(const char* object) const;
  OrderedJson usage() const;

  const CompletionHead head_;
  const CompletionRequest asked_;
  const std::vector<ServedPrompt> prompts_;
  const std::shared_ptr<ResponseWriter> writer_;
  int prompt_tokens_ = 0;
  EngineThread* engine_ = nullptr;

  std::mutex mutex_;  // the engine may answer the first prompt while the last is being handed over
  std::vector<CompletionChoice> choices_;  // [prompt * n + choice]
  int output_tokens_ = 0;
  int finished_ = 0;
  bool streaming_ = false;  // the header is sent
  bool over_ = false;       // nothing more is written
};

}  // namespace kilotoken
