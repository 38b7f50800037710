// The answer to a completion when things go wrong in the engine, and without a tokenizer.

#include "serve/api/generation_answer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <thread>

#include "serve/api/chat_output.h"
#include "serve/api/completion_output.h"
#include "serve/api/completion_request.h"

namespace kilotoken {
namespace {

// Samples token 7 for every row; the sequence `poisoned` has broken logits from position
// `poisoned_from` on.
class ScriptedRunner final : public Runner {
 public:
  Ticket submit(const StepPlan& plan) override {
    result_ = {};
    for (const Row& row : plan.rows) {
      RowResult out;
      out.sequence = row.sequence;
      out.sampled = row.samples;
      out.sample.token = 7;
      out.sample.bad_logits = row.sequence == poisoned && row.first + row.count >= poisoned_from;
      result_.rows.push_back(out);
    }
    return 1;
  }
  StepResult wait(Ticket) override { return std::move(result_); }

  SequenceId poisoned = 0;
  int poisoned_from = 0;

 private:
  StepResult result_;
};

// What was written, for a thread that waits for the end of it.
class RecordingWriter final : public ResponseWriter {
 public:
  void send(HttpResponse response) override {
    const std::lock_guard lock(mutex_);
    sent_ = std::move(response);
    end_as("sent");
  }
  void begin_stream(int status, HttpHeaders) override {
    const std::lock_guard lock(mutex_);
    sent_.status = status;
  }
  void write(std::string data) override {
    const std::lock_guard lock(mutex_);
    sent_.body += data;
  }
  void end() override {
    const std::lock_guard lock(mutex_);
    end_as("ended");
  }
  void abort() override {
    const std::lock_guard lock(mutex_);
    end_as("aborted");
  }
  void on_closed(std::function<void()>) override {}
  bool closed() const override { return false; }

  std::string wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return !how_.empty(); });
    return how_;
  }
  const HttpResponse& response() const { return sent_; }  // after wait()

 private:
  void end_as(const char* how) {
    EXPECT_EQ(how_, "") << "an answer ends once";
    how_ = how;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  HttpResponse sent_;
  std::string how_;
};

class GenerationAnswerTest : public testing::Test {
 protected:
  // Answers `body` with the scripted engine.
  std::string answer(const std::string& body) {
    auto asked =
        parse_completion_request(parse_ordered_json(body, "body").value(), {}, 100).value();
    std::vector<ServedPrompt> prompts;
    for (const Prompt& prompt : asked.prompts) {
      auto request = std::make_shared<Request>();
      request->id = 10 + prompts.size();
      request->prompt = std::get<std::vector<int32_t>>(prompt);
      request->sampling = asked.sampling;
      prompts.push_back({"", request});
    }
    auto engine = std::make_unique<Engine>(SchedulerConfig{}, pages_, nullptr, runner_, nullptr,
                                           clock_, nullptr);
    EngineThread thread(std::move(engine), pages_, clock_, 16);
    const auto made = std::make_shared<GenerationAnswer>(
        shape_, AnswerHead{"cmpl-1", "m", 5, {}}, asked, std::move(prompts), nullptr, writer_);
    EXPECT_TRUE(GenerationAnswer::submit(made, thread).ok());
    std::string how = writer_->wait();
    for (int i = 0; i < 4000 && !thread.idle(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    thread.stop();
    EXPECT_EQ(pages_.used_count(), 0) << "what was under way is cancelled";
    return how;
  }

  AnswerShape shape_{"text_completion", "text_completion", make_choice_of<CompletionChoice>};
  const SystemClock clock_{};
  PagePool pages_{32};
  ScriptedRunner runner_;
  const std::shared_ptr<RecordingWriter> writer_ = std::make_shared<RecordingWriter>();
};

TEST_F(GenerationAnswerTest, WithoutATokenizerTheIdsAreTheAnswer) {
  EXPECT_EQ(answer(R"({"prompt":[1,2],"max_tokens":3})"), "sent");
  const Json body = Json::parse(writer_->response().body);
  EXPECT_EQ(body["choices"][0]["token_ids"], Json({7, 7, 7}));
  EXPECT_EQ(body["choices"][0]["text"], "");
}

TEST_F(GenerationAnswerTest, WithoutATokenizerAStreamCarriesIdsInEveryChunk) {
  EXPECT_EQ(answer(R"({"prompt":[1,2],"max_tokens":3,"stream":true})"), "ended");
  const std::string chunk =
      R"(data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m",)"
      R"("choices":[{"index":0,"text":"","logprobs":null,"finish_reason":null,)"
      R"("stop_reason":null,"token_ids":[7]}]})"
      "\n\n";
  const std::string& body = writer_->response().body;
  EXPECT_TRUE(body.starts_with(chunk + chunk + "data: {")) << body;
  EXPECT_TRUE(
      body.ends_with("\"length\",\"stop_reason\":null,\"token_ids\":[7]}]}\n\n"
                     "data: [DONE]\n\n"))
      << body;
}

TEST_F(GenerationAnswerTest, BrokenLogitsBeforeTheHeaderAreAnswered500) {
  runner_.poisoned = 1;
  EXPECT_EQ(answer(R"({"prompt":[1,2],"max_tokens":3,"stream":true})"), "sent");
  EXPECT_EQ(writer_->response().status, 500);
  const Json body = Json::parse(writer_->response().body);
  EXPECT_EQ(body["error"]["type"], "server_error");
  EXPECT_NE(body["error"]["message"].get<std::string>().find("NaN"), std::string::npos);
}

TEST_F(GenerationAnswerTest, BrokenLogitsWithinAStreamBreakItOff) {
  runner_.poisoned = 2;  // the second choice
  runner_.poisoned_from = 4;
  EXPECT_EQ(answer(R"({"prompt":[1,2],"max_tokens":300,"n":2,"stream":true})"), "aborted");
  const std::string& body = writer_->response().body;
  EXPECT_EQ(writer_->response().status, 200);
  const size_t last = body.rfind("data: ");
  EXPECT_TRUE(body.substr(last).starts_with("data: {\"error\":{\"message\":")) << body;
  EXPECT_EQ(body.find("[DONE]"), body.npos);
  EXPECT_EQ(body.find("\"length\""), body.npos) << "the other choice ends with it";
}

TEST_F(GenerationAnswerTest, AChatBreaksOffAfterItsRoleWithTheError) {
  runner_.poisoned = 1;
  runner_.poisoned_from = 4;
  shape_ = {"chat.completion", "chat.completion.chunk", make_choice_of<ChatChoice>};
  EXPECT_EQ(answer(R"({"prompt":[1,2],"max_tokens":300,"stream":true})"), "aborted");
  const std::string& body = writer_->response().body;
  EXPECT_NE(body.find("\"content\":\"\"}"), body.npos) << body;
  EXPECT_TRUE(body.substr(body.rfind("data: ")).starts_with("data: {\"error\":{")) << body;
  EXPECT_EQ(body.find("[DONE]"), body.npos);
}

TEST_F(GenerationAnswerTest, OneBrokenPromptOfAListFailsTheWholeAnswer) {
  runner_.poisoned = 3;
  EXPECT_EQ(answer(R"({"prompt":[[1],[2],[3]],"max_tokens":300})"), "sent");
  EXPECT_EQ(writer_->response().status, 500);
}

}  // namespace
}  // namespace kilotoken
