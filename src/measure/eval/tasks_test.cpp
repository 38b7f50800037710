// The tasks on models whose answers can be worked out by hand: all weights zero but a few.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <mutex>

#include "measure/eval/acceptance.h"
#include "measure/eval/kl.h"
#include "measure/eval/multiple_choice.h"
#include "measure/eval/perplexity.h"
#include "measure/eval/report.h"
#include "model/families/llama.h"
#include "model/weights/made_weights.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;

constexpr int kVocab = 512, kHidden = 32;

ModelConfig small_config() {
  ModelConfig config;
  config.architecture = "LlamaForCausalLM";
  config.hidden_size = kHidden;
  config.intermediate_size = 64;
  config.layers = 2;
  config.heads = 2;
  config.kv_heads = 1;
  config.head_dim = 16;
  config.vocab_size = kVocab;
  config.max_position_embeddings = 512;
  return config;
}

EvalModel with_weights(std::unique_ptr<WeightSource> weights) {
  EvalModel out;
  out.files.path = "made";
  out.files.config = small_config();
  out.files.weights = std::move(weights);
  out.files.tokenizer = make_synthetic_tokenizer(kVocab).value();
  out.files.defaults.eos_token_ids = {2};
  out.files.defaults.bos_token_id = 1;
  out.kernels = std::make_unique<const Kernels>(*select_kernels("").value());
  ThreadPool pool(1);
  out.model = build_model(out.files.config, *out.files.weights, *out.kernels, pool).value();
  return out;
}

// Without `says`, every token is as likely as any other; else the logit of that one is 32 * height.
EvalModel saying(std::optional<int32_t> says, float height = 1) {
  auto made = MadeWeights::reserve(llama_tensors(small_config()), "made").value();
  const auto fill = [&](const std::string& name, size_t first, size_t count, float value) {
    for (size_t i = first; i < first + count; ++i) {
      store(made->bytes(name).data() + 2 * i, DType::kBF16, value);
    }
  };
  fill("model.embed_tokens.weight", 0, size_t{kVocab} * kHidden, 1);
  fill("model.norm.weight", 0, kHidden, 1);
  if (says) fill("lm_head.weight", static_cast<size_t>(*says) * kHidden, kHidden, height);
  return with_weights(std::move(made));
}

EvalModel random_model() {
  return with_weights(make_dummy_weights(llama_tensors(small_config()), "dummy").value());
}

TEST(Scorer, SaysTheSameHoweverTheStepsAreCut) {
  const EvalModel model = random_model();
  ThreadPool pool(2);
  std::vector<ScoredText> texts;
  for (int i = 0; i < 9; ++i) {
    ScoredText text;
    for (int t = 0; t <= 20 * i; ++t) text.inputs.push_back((37 * t + i) % kVocab);
    text.first = i == 5 ? 101 : 1 + i;  // one wants its last prediction only
    texts.push_back(text);
  }
  using Logits = std::map<std::pair<size_t, int>, std::vector<float>>;
  const auto run = [&](int max_rows) {
    Logits out;
    std::mutex mutex;
    const auto keep = [&](size_t text, int position, std::span<const float> logits) {
      const std::lock_guard lock(mutex);
      const bool once =
          out.emplace(std::pair(text, position), std::vector<float>(logits.begin(), logits.end()))
              .second;
      EXPECT_TRUE(once);
    };
    EXPECT_TRUE(Scorer(*model.model, pool, max_rows).run(texts, keep).ok());
    return out;
  };
  const Logits expected = run(512);
  size_t wanted = 0;
  for (const ScoredText& text : texts) wanted += text.inputs.size() + 1 - size_t(text.first);
  EXPECT_EQ(expected.size(), wanted);
  EXPECT_EQ(run(1), expected);
  EXPECT_EQ(run(70), expected);
}

TEST(Perplexity, OfAModelThatKnowsNothingIsTheVocabulary) {
  const EvalModel model = saying(std::nullopt);
  ThreadPool pool(1);
  const std::vector<EvalText> texts{{"a bc", 3.0, "x"}, {"de f g", 4.0, "y"}};
  const auto tokens = tokenize(model, texts, 3).value();
  EXPECT_GT(tokens.windows.size(), 2u);
  const PerplexityResult found = perplexity(model, tokens, pool).value();
  EXPECT_NEAR(found.token_perplexity.value, kVocab, 1e-2);
  const double count = tokens.tokens[0] + tokens.tokens[1];
  const double nats = std::log(kVocab) * count;
  EXPECT_NEAR(found.word_perplexity.value, std::exp(nats / 5), 1e-4 * std::exp(nats / 5));
  EXPECT_NEAR(found.bits_per_byte.value, nats / std::log(2) / 10, 1e-4);
  EXPECT_NEAR(found.above_bound->value, (nats - 7) / count, 1e-4);
  ASSERT_EQ(found.kinds.size(), 2u);
  EXPECT_NEAR(found.kinds[1].bound->value, 4 / tokens.tokens[1], 1e-9);
}

TEST(Perplexity, PredictsEveryTokenOnceAndTheEndOfDocuments) {
  const EvalModel model = saying(std::nullopt);
  const std::string text = "one two three four five";
  const auto ids = model.files.tokenizer->encode(text, false).value();
  for (const bool document : {false, true}) {
    const EvalText one{text, document ? std::optional<double>(1.0) : std::nullopt, {}};
    const auto tokens = tokenize(model, {one}, 4).value();
    std::vector<int32_t> targets;
    for (const Window& window : tokens.windows) {
      EXPECT_EQ(window.scored.inputs.front(), targets.empty() ? 1 : targets.back());
      targets.insert(targets.end(), window.targets.begin(), window.targets.end());
    }
    std::vector<int32_t> expected = ids;
    if (document) expected.push_back(2);
    EXPECT_EQ(targets, expected);
  }
}

TEST(Kl, OfTwoDistributionsAsWorkedOut) {
  const std::vector<float> p{0, std::log(3.0f)}, q{1, 1};
  // 1/4 ln(1/4 / 1/2) + 3/4 ln(3/4 / 1/2)
  EXPECT_NEAR(kl_divergence(p, q), 0.25 * std::log(0.5) + 0.75 * std::log(1.5), 1e-7);
  EXPECT_EQ(kl_divergence(p, p), 0);
}

TEST(Kl, OfTwoModels) {
  ThreadPool pool(1);
  const EvalModel knows_nothing = saying(std::nullopt), certain = saying(7);
  const auto tokens = tokenize(knows_nothing, {{"some text", std::nullopt, {}}}, 64).value();
  EXPECT_EQ(kl(certain, certain, tokens, pool).value().kl.value, 0);
  const KlResult found = kl(certain, knows_nothing, tokens, pool).value();
  EXPECT_NEAR(found.kl.value, std::log(kVocab), 1e-3);  // of a certain token from one in 512
  EXPECT_EQ(found.same_top.value, 0);
}

Subject three_questions() {
  const auto question = [](const char* text, int answer) {
    return Question{text, {"red", "blue", "old", "new"}, answer};
  };
  return {"some things",
          {question("What was?", 3)},
          {question("What is?", 2), question("Why?", 0), question("How?", 2)}};
}

TEST(MultipleChoice, PromptIsMmlus) {
  const Subject subject = three_questions();
  EXPECT_EQ(prompt_of(subject, subject.test[0], Formulation::kLetters, 1),
            "The following are multiple choice questions (with answers) about some things.\n\n"
            "What was?\nA. red\nB. blue\nC. old\nD. new\nAnswer: D\n\n"
            "What is?\nA. red\nB. blue\nC. old\nD. new\nAnswer:");
  EXPECT_EQ(prompt_of(subject, subject.test[0], Formulation::kContinuation, 1),
            "The following are questions (with answers) about some things.\n\n"
            "Question: What was?\nAnswer: new\n\n"
            "Question: What is?\nAnswer:");
}

TEST(MultipleChoice, CountsTheLikeliestLetter) {
  ThreadPool pool(1);
  const EvalModel first = saying(std::nullopt);  // a tie: A
  const Tokenizer* tokenizer = first.files.tokenizer.get();
  const int32_t c = tokenizer->encode("Answer: C", false).value().back();
  const auto asked = [&](const EvalModel& model, int shots) {
    return multiple_choice(model, tokenizer, {three_questions()}, Formulation::kLetters, shots,
                           pool);
  };
  EXPECT_DOUBLE_EQ(asked(first, 0).value().all.accuracy.value, 1.0 / 3);
  const auto of_c = asked(saying(c), 1).value();
  EXPECT_DOUBLE_EQ(of_c.all.accuracy.value, 2.0 / 3);
  EXPECT_EQ(of_c.all.questions, 3);
  EXPECT_NE(asked(first, 2).error().message.find("1 dev questions, fewer than the 2"),
            std::string::npos);
}

// Options are spelled in tokens " o", " b", ... of one letter each, of which the model says one
// with logit 4 and all others with 0: -2.34 nats against -6.34.
TEST(MultipleChoice, CountsTheLikeliestContinuation) {
  ThreadPool pool(1);
  const EvalModel nothing = saying(std::nullopt);
  const Tokenizer* tokenizer = nothing.files.tokenizer.get();
  // The option (0 .. 3) taken for its sum, and the one taken for its mean by character.
  const auto taken = [&](const char* said, std::array<std::string, 4> options,
                         Formulation formulation = Formulation::kContinuation) {
    const int32_t token = tokenizer->encode(said, false).value().back();
    const EvalModel model = saying(token, 1.0f / 8);
    std::pair<int, int> out{-1, -1};
    for (int answer = 0; answer < 4; ++answer) {
      const Subject one{"some things", {}, {{"What?", options, answer}}};
      const auto found = multiple_choice(model, tokenizer, {one}, formulation, 0, pool).value().all;
      if (found.accuracy.value == 1) out.first = answer;
      if (found.accuracy_by_length.value == 1) out.second = answer;
    }
    return out;
  };
  using Taken = std::pair<int, int>;
  // No letter is said here, so that letters tie.
  EXPECT_EQ(taken(" o", {"r", "b", "o", "n"}), Taken(2, 2));
  EXPECT_EQ(taken(" o", {"r", "b", "o", "n"}, Formulation::kLetters), Taken(0, 0));
  // One option begins another: more tokens are less likely in sum, here more likely in the mean.
  EXPECT_EQ(taken(" o", {"o b", "o", "o b b", "x"}), Taken(1, 1));
  EXPECT_EQ(taken(" b", {"o b", "o", "o b b", "x"}), Taken(1, 2));
  // Options that share all tokens but the last, and one between them that does not.
  EXPECT_EQ(taken(" c", {"a b", "x y", "a c", "a d"}), Taken(2, 2));
  // Nine characters, ten bytes: the mean is by character.
  EXPECT_EQ(characters_of("caf\u00e9 au l"), 9u);
}

TEST(Acceptance, CountsRoundsAsSpeculationGoes) {
  // Four guesses: two right, the third wrong; then three: all right, the end.
  const Rounds found = count_rounds({true, true, false, true, true, true}, 4);
  EXPECT_EQ(found.rounds, 2);
  EXPECT_EQ(found.guessed, 4 + 3);
  EXPECT_EQ(found.accepted, 2 + 3);
  // After four right ones the target's own token is not guessed.
  const Rounds whole = count_rounds(std::vector<bool>(10, true), 4);
  EXPECT_EQ(whole.rounds, 2);
  EXPECT_EQ(whole.accepted, 8);
}

TEST(Acceptance, OfOneselfIsAllAndOfAnotherChance) {
  ThreadPool pool(2);
  const EvalModel target = random_model(), sure = saying(9), stubborn = saying(5);
  const std::vector<std::vector<int32_t>> prompts{{1, 5, 9}, {1}, {1, 2, 3, 4}};
  AcceptanceOptions options;
  options.max_tokens = 20;
  const AcceptanceResult own = acceptance(target, target, prompts, options, pool).value();
  EXPECT_EQ(own.accepted.value, 1);
  EXPECT_EQ(own.each.value, 1);
  EXPECT_GT(own.tokens_per_round.value, 3);
  const AcceptanceResult never = acceptance(sure, stubborn, prompts, options, pool).value();
  EXPECT_EQ(never.accepted.value, 0);
  EXPECT_EQ(never.tokens_per_round.value, 1);
}

class EvalFiles : public testing::Test {
 protected:
  EvalFiles() : folder_(fs::temp_directory_path() / ("kt_eval_" + std::to_string(getpid()))) {
    fs::create_directories(folder_ / "test");
  }
  ~EvalFiles() override { fs::remove_all(folder_); }
  fs::path write(const char* name, const std::string& content) {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  fs::path folder_;
};

TEST_F(EvalFiles, TextsOfLinesAndOfAWholeFile) {
  const auto lines =
      write("a.jsonl", "{\"text\":\"x\",\"nats\":2.5,\"kind\":\"k\"}\n\n{\"text\":\"y\"}\n");
  const auto texts = read_texts(lines, 0).value();
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0].nats, 2.5);
  EXPECT_EQ(texts[0].kind, "k");
  EXPECT_EQ(texts[1].text, "y");
  EXPECT_EQ(read_texts(lines, 1).value().size(), 1u);
  EXPECT_EQ(read_texts(write("a.txt", "{not json\n"), 0).value()[0].text, "{not json\n");
  const auto bad = read_texts(write("b.jsonl", "{\"text\":\"x\"}\n{\"text\":1}\n"), 0);
  EXPECT_NE(bad.error().message.find("b.jsonl:2: needs"), std::string::npos);
}

TEST_F(EvalFiles, SubjectsOfAFolder) {
  EXPECT_NE(read_subjects(folder_, 0).error().message.find("SUBJECT_test.csv"), std::string::npos);
  write("test/old_things_test.csv", "q,a,b,c,d,B\n\" r, s\n\",a,b,c,d,D\n");
  const auto subjects = read_subjects(folder_, 0).value();
  ASSERT_EQ(subjects.size(), 1u);
  EXPECT_EQ(subjects[0].name, "old things");
  EXPECT_EQ(subjects[0].test[1].text, "r, s");
  EXPECT_EQ(subjects[0].test[1].answer, 3);
  write("test/bad_test.csv", "q,a,b,c,d,E\n");
  EXPECT_NE(read_subjects(folder_, 0).error().message.find("question 1: the answer is \"E\""),
            std::string::npos);
  write("test/bad_test.csv", "q,a,b,c,A\n");
  EXPECT_NE(read_subjects(folder_, 0).error().message.find("5 fields"), std::string::npos);
}

TEST(Report, IsLmEvaluationHarnesss) {
  MultipleChoiceResult result;
  result.all = {"", 4, {0.5, 0.25}, {0.75, 0.125}};
  result.subjects = {{"old things", 4, {0.5, 0.25}, {0.75, 0.125}}};
  const auto reports = report_of(result, 2);
  EXPECT_EQ(table_of(reports),
            "|Tasks                     |Version|Filter|n-shot|Metric| | Value| |Stderr|\n"
            "|--------------------------|------:|------|-----:|------|-|-----:|-|-----:|\n"
            "|multiple_choice           |      1|none  |     2|acc   |↑|0.5000|±|0.2500|\n"
            "|multiple_choice_old_things|      1|none  |     2|acc   |↑|0.5000|±|0.2500|\n");
  const OrderedJson json = json_of(reports, {{"model", "m"}});
  EXPECT_EQ(json["results"]["multiple_choice"]["acc_stderr,none"], 0.25);
  EXPECT_EQ(json["n-samples"]["multiple_choice_old_things"]["effective"], 4);
  EXPECT_EQ(json["config"]["model"], "m");
  EXPECT_FALSE(json["results"]["multiple_choice"].contains("acc_norm,none"));
  result.formulation = Formulation::kContinuation;
  const OrderedJson other = json_of(report_of(result, 2), {})["results"];
  EXPECT_EQ(other["multiple_choice_continuation"]["acc,none"], 0.5);
  EXPECT_EQ(other["multiple_choice_continuation_old_things"]["acc_norm,none"], 0.75);
}

}  // namespace
}  // namespace kilotoken
