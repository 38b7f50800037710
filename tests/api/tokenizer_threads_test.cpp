// Whichever tokenizer thread takes a request, its answer has the same bytes.

#include <gtest/gtest.h>

#include <thread>

#include "api/served.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

struct Asked {
  std::string path;
  json body;
};

// Chats and completions of many lengths, half of them sampled with a seed. No two share a page of
// 64 tokens, so usage does not depend on who came first to the prefix cache.
std::vector<Asked> requests() {
  std::vector<Asked> all;
  for (int i = 0; i < 24; ++i) {
    std::string text = "Story " + std::to_string(i) + ".";
    for (int word = 0; word < 5 * i; ++word) text += " fox" + std::to_string(i * word);
    json body = {{"max_tokens", 4 + i % 7}, {"ignore_eos", true}, {"temperature", 0}};
    if (i % 4 >= 2) body.update({{"temperature", 1.2}, {"seed", i}});
    if (i % 2 == 0) {
      body["prompt"] = text;
      all.push_back({"/v1/completions", body});
    } else {
      body["messages"] = {{{"role", "user"}, {"content", text}}};
      all.push_back({"/v1/chat/completions", body});
    }
  }
  return all;
}

// The answer to each request, all sent at once, each by a client of its own.
std::vector<json> answers_of(int port, const std::vector<Asked>& all) {
  std::vector<json> answers(all.size());
  std::vector<std::thread> clients;
  for (size_t i = 0; i < all.size(); ++i) {
    clients.emplace_back([&, i] {
      const Answer answer = post_json(port, all[i].path, all[i].body);
      EXPECT_EQ(answer.status, 200) << answer.body;
      const json whole = answer.json();
      answers[i] = {{"choices", whole.value("choices", json())},
                    {"usage", whole.value("usage", json())}};
    });
  }
  for (std::thread& client : clients) client.join();
  return answers;
}

int threads_that_worked(int port, int threads) {
  int worked = 0;
  for (int i = 0; i < threads; ++i) {
    worked += metric(port, "kilotoken:tokenizer_requests_total{thread=\"" + std::to_string(i) +
                               "\"}") > 0;
  }
  return worked;
}

TEST(TokenizerThreads, AnswersAreTheSameWithOneAndWithFour) {
  const ServedOptions options{.max_model_len = 2048};
  ServedOptions with_four = options;
  with_four.tokenizer_threads = 4;
  const std::vector<Asked> all = requests();
  std::vector<json> plain;
  {
    const Served one(options);
    plain = answers_of(one.port(), all);
    EXPECT_EQ(threads_that_worked(one.port(), 4), 1);
  }
  // The threads share the work as the system wakes them, so a round may find one thread quickest
  // at everything; not every round does.
  for (int round = 0, worked = 0; worked < 2; ++round) {
    ASSERT_LT(round, 10) << "one thread did everything";
    const Served four(with_four);
    const std::vector<json> answers = answers_of(four.port(), all);
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(answers[i], plain[i]) << all[i].path << " " << all[i].body;
    }
    worked = threads_that_worked(four.port(), 4);
  }
}

}  // namespace
}  // namespace kilotoken::test
