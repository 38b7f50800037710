#include "measure/eval/multiple_choice.h"

#include <algorithm>

#include "base/files.h"
#include "engine/sampling/sampler.h"
#include "measure/eval/csv.h"
#include "measure/eval/scorer.h"
#include "measure/eval/texts.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLetters = "ABCD";

std::string stripped(const std::string& text) {
  constexpr const char* kWhiteSpace = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) + 1 - begin);
}

Result<std::vector<Question>> read_questions(const fs::path& path) {
  KT_TRY(const std::string text, read_text_file(path));
  KT_TRY(const auto rows, parse_csv(text, path.string()));
  std::vector<Question> out;
  for (const std::vector<std::string>& row : rows) {
    const std::string where = path.string() + ", question " + std::to_string(out.size() + 1);
    if (row.size() != 6) {
      return invalid(where + ": " + std::to_string(row.size()) +
                     " fields; a row is question,A,B,C,D,letter");
    }
    const size_t answer = row[5].size() == 1 ? kLetters.find(row[5]) : std::string_view::npos;
    if (answer == std::string_view::npos) {
      return invalid(where + ": the answer is \"" + row[5] + "\"; it must be A, B, C or D");
    }
    out.push_back({stripped(row[0]), {row[1], row[2], row[3], row[4]}, static_cast<int>(answer)});
  }
  return out;
}

// The text of a question up to "Answer:".
std::string asked(const Question& question, Formulation formulation) {
  if (formulation == Formulation::kContinuation) return "Question: " + question.text + "\nAnswer:";
  std::string out = question.text;
  for (size_t i = 0; i < kLetters.size(); ++i) {
    out += std::string("\n") + kLetters[i] + ". " + question.options[i];
  }
  return out + "\nAnswer:";
}

// What stands after "Answer:" if it is this option.
std::string reply(const Question& question, size_t option, Formulation formulation) {
  return formulation == Formulation::kContinuation ? " " + question.options[option]
                                                   : std::string(" ") + kLetters[option];
}

// One sequence through the model; replies in a row share it when they differ in their last token.
struct Pass {
  size_t question;
  ScoredText scored;
  struct Answer {
    size_t option;
    std::vector<int32_t> tokens;  // at positions first ..
  };
  std::vector<Answer> answers;
};

class Passes {
 public:
  Passes(const Tokenizer& tokenizer, Formulation formulation, int context)
      : tokenizer_(tokenizer), formulation_(formulation), context_(context) {}

  Result<void> add(size_t number, const Question& question, const std::string& prompt) {
    KT_TRY(const std::vector<int32_t> before, tokenizer_.encode(prompt, true));
    for (size_t option = 0; option < question.options.size(); ++option) {
      KT_TRY(std::vector<int32_t> all,
             tokenizer_.encode(prompt + reply(question, option, formulation_), true));
      if (before.empty() || all.size() <= before.size()) {
        return invalid("the tokenizer has no token of its own for the answer after \"Answer:\"");
      }
      Pass::Answer answer{option,
                          {all.begin() + static_cast<std::ptrdiff_t>(before.size()), all.end()}};
      all.pop_back();
      if (std::ssize(all) > context_) {
        return invalid("a prompt of " + std::to_string(all.size()) +
                       " tokens is beyond the context of " + std::to_string(context_) +
                       ": take fewer shots");
      }
      if (passes_.empty() || passes_.back().question != number ||
          passes_.back().scored.inputs != all) {
        passes_.push_back({number, {std::move(all), static_cast<int>(before.size())}, {}});
      }
      passes_.back().answers.push_back(std::move(answer));
    }
    return {};
  }

  // Log probability of each reply, by question.
  Result<std::vector<std::array<double, 4>>> score(const Model& model, size_t questions,
                                                   ThreadPool& pool) const {
    std::vector<ScoredText> texts;
    for (const Pass& pass : passes_) texts.push_back(pass.scored);
    std::vector<std::array<double, 4>> out(questions);
    KT_TRY_VOID(Scorer(model, pool)
                    .run(texts, [&](size_t index, int position, std::span<const float> logits) {
                      const Pass& pass = passes_[index];
                      for (const Pass::Answer& answer : pass.answers) {
                        const auto at = static_cast<size_t>(position - pass.scored.first);
                        out[pass.question][answer.option] += static_cast<double>(
                            token_logprob(logits, answer.tokens[at], 0).logprob);
                      }
                    }));
    return out;
  }

 private:
  const Tokenizer& tokenizer_;
  Formulation formulation_;
  int context_;
  std::vector<Pass> passes_;
};

// For each question 1 where the likeliest option is the right one, else 0.
class Right {
 public:
  void add(const Question& question, std::array<double, 4> logprobs) {
    plain_.push_back(points(question, logprobs));
    for (size_t i = 0; i < logprobs.size(); ++i) {
      logprobs[i] /= static_cast<double>(std::max<size_t>(1, characters_of(question.options[i])));
    }
    by_length_.push_back(points(question, logprobs));
  }
  void add(const Right& more) {
    plain_.insert(plain_.end(), more.plain_.begin(), more.plain_.end());
    by_length_.insert(by_length_.end(), more.by_length_.begin(), more.by_length_.end());
  }
  MultipleChoiceResult::Of of(const std::string& name) const {
    return {name, std::ssize(plain_), mean_of(plain_), mean_of(by_length_)};
  }

 private:
  static double points(const Question& question, const std::array<double, 4>& scores) {
    const auto best = std::max_element(scores.begin(), scores.end());  // a tie: the first
    return best - scores.begin() == question.answer ? 1 : 0;
  }

  std::vector<double> plain_, by_length_;
};

}  // namespace

Result<std::vector<Subject>> read_subjects(const fs::path& folder, int limit) {
  constexpr std::string_view kEnd = "_test.csv";
  std::vector<Subject> out;
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder / "test", error)) {
    if (entry.path().filename().string().ends_with(kEnd)) files.push_back(entry.path());
  }
  if (files.empty()) {
    return invalid(folder.string() + ": no test/SUBJECT_test.csv in it (MMLU's layout)");
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    std::string name = file.filename().string();
    name.resize(name.size() - kEnd.size());
    Subject subject;
    KT_TRY(subject.test, read_questions(file));
    if (subject.test.empty()) return invalid(file.string() + ": no questions in it");
    if (limit > 0 && std::ssize(subject.test) > limit) {
      subject.test.resize(static_cast<size_t>(limit));
    }
    const fs::path dev = folder / "dev" / (name + "_dev.csv");
    if (fs::exists(dev)) {
      KT_TRY(subject.dev, read_questions(dev));
    }
    std::replace(name.begin(), name.end(), '_', ' ');
    subject.name = std::move(name);
    out.push_back(std::move(subject));
  }
  return out;
}

std::string prompt_of(const Subject& subject, const Question& question, Formulation formulation,
                      int shots) {
  KT_CHECK_LE(static_cast<size_t>(shots), subject.dev.size());
  const std::string kind = formulation == Formulation::kLetters ? "multiple choice " : "";
  std::string out =
      "The following are " + kind + "questions (with answers) about " + subject.name + ".\n\n";
  for (size_t i = 0; i < static_cast<size_t>(shots); ++i) {
    const Question& shot = subject.dev[i];
    out += asked(shot, formulation) + reply(shot, static_cast<size_t>(shot.answer), formulation) +
           "\n\n";
  }
  return out + asked(question, formulation);
}

Result<MultipleChoiceResult> multiple_choice(const EvalModel& model, const Tokenizer* tokenizer,
                                             const std::vector<Subject>& subjects,
                                             Formulation formulation, int shots, ThreadPool& pool) {
  if (!tokenizer) {
    return invalid(model.files.path.string() + " has no tokenizer: it cannot read text");
  }
  Passes passes(*tokenizer, formulation, model.files.config.max_position_embeddings);
  size_t count = 0;
  for (const Subject& subject : subjects) {
    if (std::ssize(subject.dev) < shots) {
      return invalid("subject " + subject.name + " has " + std::to_string(subject.dev.size()) +
                     " dev questions, fewer than the " + std::to_string(shots) + " shots");
    }
    for (const Question& question : subject.test) {
      KT_TRY_VOID(passes.add(count++, question, prompt_of(subject, question, formulation, shots)));
    }
  }
  KT_TRY(const auto scores, passes.score(*model.model, count, pool));
  MultipleChoiceResult result{formulation, {}, {}};
  Right all;
  auto score = scores.begin();
  for (const Subject& subject : subjects) {
    Right right;
    for (const Question& question : subject.test) right.add(question, *score++);
    result.subjects.push_back(right.of(subject.name));
    all.add(right);
  }
  result.all = all.of("");
  return result;
}

}  // namespace kilotoken
