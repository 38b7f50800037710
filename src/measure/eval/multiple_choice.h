#pragma once
// Multiple choice in MMLU's layout, asked and scored as lm-evaluation-harness does:
//   "The following are multiple choice questions (with answers) about SUBJECT.", a blank line, the
//   shots with their answers, then the question, "A. ..." to "D. ..." and "Answer:".
// The answer given is the letter whose tokens after the prompt (" A" .. " D") are the likeliest.

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "measure/eval/estimate.h"
#include "measure/eval/eval_model.h"

namespace kilotoken {

struct Question {
  std::string text;
  std::array<std::string, 4> options;
  int answer = 0;  // 0 .. 3
};

struct Subject {
  std::string name;  // as in the prompt: "_" of the file's name is a space
  std::vector<Question> dev, test;
};

// FOLDER/test/SUBJECT_test.csv, and FOLDER/dev/SUBJECT_dev.csv where there is one; rows
// "question,A,B,C,D,letter". In order of name; of each test file the first `limit` (0 = all).
Result<std::vector<Subject>> read_subjects(const std::filesystem::path& folder, int limit);

// What the model sees before the answer to one question, after `shots` of the dev questions.
std::string prompt_of(const Subject& subject, const Question& question, int shots);

struct MultipleChoiceResult {
  struct OfSubject {
    std::string name;
    int64_t questions = 0;
    Estimate accuracy;
  };
  std::vector<OfSubject> subjects;
  int64_t questions = 0;
  Estimate accuracy;  // over all questions alike
};

// kInvalid where a subject has fewer dev questions than `shots`, or a prompt is beyond the context.
// `tokenizer` is the model's own, or the one of the model that it is a draft of.
Result<MultipleChoiceResult> multiple_choice(const EvalModel& model, const Tokenizer* tokenizer,
                                             const std::vector<Subject>& subjects, int shots,
                                             ThreadPool& pool);

}  // namespace kilotoken
