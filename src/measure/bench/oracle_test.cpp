// What a cache that remembers everything would find, of conversations made up for it.

#include "measure/bench/oracle.h"

#include <gtest/gtest.h>

namespace kilotoken::bench {
namespace {

// Of `turn` in `session`, sent and answered at these moments.
RequestRecord record(int session, int turn, int64_t sent_ns, int64_t done_ns, int tokens,
                     const std::string& answer) {
  RequestRecord made;
  made.session = session;
  made.turn = turn;
  made.outcome = Outcome::kOk;
  made.sent_ns = sent_ns;
  made.done_ns = done_ns;
  made.prompt_tokens = tokens;
  made.text = answer;
  return made;
}

Turn turn(const std::string& text) {
  Turn made;
  made.text = text;
  return made;
}

Plan alone(const std::vector<std::string>& prompts) {
  Plan plan;
  for (const std::string& prompt : prompts) plan.sessions.push_back({{turn(prompt)}, 0, "", 0});
  return plan;
}

TEST(Oracle, FindsWhatWasSentBefore) {
  const Plan plan = alone({"aaaabbbb", "aaaacccc", "xyz", "aaaabbbb"});
  LoadRun run;
  for (int i = 0; i < 4; ++i) run.records.push_back(record(i, 0, i, 100 + i, 10, "?"));
  // Nothing of the first and third, half of the second, all of the last.
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, false), 15.0 / 40);
  run.records[1].sent_ns = 90;  // behind the last: it finds half of either
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, false), 15.0 / 40);
  run.records[3].sent_ns = -1;  // never sent
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, false), 5.0 / 30);
}

TEST(Oracle, WeighsPromptsByTheirTokens) {
  const Plan plan = alone({"aaaabbbb", "aaaacccc"});
  LoadRun run;
  run.records = {record(0, 0, 0, 9, 10, ""), record(1, 0, 1, 9, 1000, "")};
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, false), 500.0 / 1010);
  run.records[1].prompt_tokens = -1;  // the server does not say
  run.records[1].planned_input = 30;
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, false), 15.0 / 40);
}

TEST(Oracle, AChatsNextTurnBeginsWithItsAnswer) {
  Plan plan;
  plan.sessions.push_back({{turn("abc"), turn("def")}, 0, "S", 0});
  LoadRun run;
  run.records = {record(0, 0, 0, 10, 6, "wxyz"), record(0, 1, 11, 20, 15, "")};
  // "S\n\nabc" + "\nwxyz" + "\ndef": 11 of the 15 bytes were there.
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, /*chat=*/true), 11.0 / 21);
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, /*chat=*/false), 6.0 / 21);
}

TEST(Oracle, KnowsNoAnswerBeforeItCame) {
  Plan plan;
  plan.sessions.push_back({{turn("abc"), turn("def")}, 0, "", 0});
  plan.sessions.push_back({{turn("abc\nwxyz\nghi")}, 0, "", 0});
  LoadRun run;
  run.records = {record(0, 0, 0, 10, 3, "wxyz"), record(1, 0, 5, 20, 12, "")};
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, true), 3.0 / 15);
  run.records[1].sent_ns = 10;
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, true), 8.0 / 15);
}

TEST(Oracle, ARefusedPromptIsRememberedAndNotCounted) {
  const Plan plan = alone({"aaaa", "aaaa"});
  LoadRun run;
  run.records = {record(0, 0, 0, 10, 4, ""), record(1, 0, 1, 10, 4, "")};
  run.records[0].outcome = Outcome::kServerError;
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, false), 1);
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, LoadRun{}, false), 0);
}

TEST(Oracle, IdsBeginAlikeAsTextDoes) {
  Plan plan = alone({"", ""});
  plan.sessions[0].turns[0].ids = {1, 2, 3, 4};
  plan.sessions[1].turns[0].ids = {1, 2, 9, 9};
  LoadRun run;
  for (int i = 0; i < 2; ++i) run.records.push_back(record(i, 0, i, 10, 4, ""));
  EXPECT_DOUBLE_EQ(oracle_hit_rate(plan, run, false), 2.0 / 8);
}

}  // namespace
}  // namespace kilotoken::bench
