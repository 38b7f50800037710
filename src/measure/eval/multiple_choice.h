#pragma once
// Multiple choice in MMLU's layout, asked and scored as lm-evaluation-harness does: a line about
// the subject, a blank line, the shots with their answers, then the question up to "Answer:". The
// answer given is the reply whose tokens after the prompt are together the likeliest.

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "measure/eval/estimate.h"
#include "measure/eval/eval_model.h"

namespace kilotoken {

enum class Formulation {
  // Its task mmlu: the options are listed as "A. ..." to "D. ..."; the replies are " A" .. " D".
  kLetters,
  // Its task mmlu_continuation: "Question: ..." with no options; they are the replies themselves.
  // It
  // needs no knowledge of letters, which small models never come to.
  kContinuation,
};

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
// "question,A,B,C,D,letter", white space around the question dropped. In order of name; of each
// test file the first `limit` (0 = all).
Result<std::vector<Subject>> read_subjects(const std::filesystem::path& folder, int limit);

// What the model sees before the answer to one question, after `shots` of the dev questions.
std::string prompt_of(const Subject& subject, const Question& question, Formulation formulation,
                      int shots);

struct MultipleChoiceResult {
  struct Of {
    std::string name;  // the subject's
    int64_t questions = 0;
    Estimate accuracy;
    // Where the likeliest is by log probability a character of the option.
    Estimate accuracy_by_length;
  };
  Formulation formulation = Formulation::kLetters;
  std::vector<Of> subjects;
  Of all;  // over all questions alike; no name
};

// kInvalid where a subject has fewer dev questions than `shots`, or a prompt is beyond the context.
// `tokenizer` is the model's own, or the one of the model that it is a draft of.
Result<MultipleChoiceResult> multiple_choice(const EvalModel& model, const Tokenizer* tokenizer,
                                             const std::vector<Subject>& subjects,
                                             Formulation formulation, int shots, ThreadPool& pool);

}  // namespace kilotoken
