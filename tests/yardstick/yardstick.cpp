// What the built-in model is promised to be, measured anew from its weights: near the bound of its
// text, between easy and hopeless at questions, worse for 4 bits than for 8, and with a draft that
// is right often but not always. Prints the table that its card has; exit code 1 if a bound is
// broken.
//
// usage: kt_yardstick [MODEL]     (default: KILOTOKEN_DEMO_MODEL, or demo)

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "measure/eval/acceptance.h"
#include "measure/eval/kl.h"
#include "measure/eval/multiple_choice.h"
#include "measure/eval/perplexity.h"

namespace kilotoken {
namespace {

// Texts for the two comparisons of formats, and openings for the draft.
constexpr int kKlTexts = 150, kPrompts = 200;
// Of 1,000 questions that is seven standard errors of the difference, so that the two confidence
// intervals are far apart.
constexpr double kDraftKnowsLess = 0.15;

class Table {
 public:
  Table() { std::printf("| | measured | standard error | bound | |\n|---|---|---|---|---|\n"); }
  void add(const char* what, const Estimate& found) { line(what, found, "", ""); }
  void against_chance(const char* what, const Estimate& found, double chance) {
    const bool same = std::abs(found.value - chance) <= 2 * found.standard_error;
    line(what, found, text("none; chance is %.4g", chance).c_str(), same ? "at chance" : "");
  }
  void at_least(const char* what, const Estimate& found, double bound) {
    judge(what, found, text("at least %.4g", bound), found.value >= bound);
  }
  void at_most(const char* what, const Estimate& found, double bound) {
    judge(what, found, text("at most %.4g", bound), found.value <= bound);
  }
  void between(const char* what, const Estimate& found, double low, double high) {
    judge(what, found, text("%g to %g", low, high), found.value >= low && found.value <= high);
  }
  bool good() const { return good_; }

 private:
  template <typename... Numbers>
  static std::string text(const char* format, Numbers... numbers) {
    char out[64];
    std::snprintf(out, sizeof out, format, numbers...);
    return out;
  }
  void judge(const char* what, const Estimate& found, const std::string& bound, bool held) {
    line(what, found, bound.c_str(), held ? "ok" : "FAILED");
    good_ = good_ && held;
  }
  static void line(const char* what, const Estimate& found, const char* bound, const char* held) {
    std::printf("| %s | %.4f | %.4f | %s | %s |\n", what, found.value, found.standard_error, bound,
                held);
    std::fflush(stdout);
  }

  bool good_ = true;
};

struct Subjects {
  const EvalModel &target, &draft;
  ThreadPool& pool;
};

// By text the first less the second, a token.
Estimate difference(const std::vector<double>& first, const std::vector<double>& second,
                    const std::vector<double>& tokens) {
  std::vector<double> less;
  for (size_t i = 0; i < first.size(); ++i) less.push_back(first[i] - second[i]);
  return ratio_of(less, tokens);
}

Result<void> losses(const Subjects& of, const TokenizedTexts& texts, Table& table) {
  KT_TRY(const PerplexityResult target, perplexity(of.target, texts, of.pool));
  KT_TRY(const PerplexityResult draft, perplexity(of.draft, texts, of.pool));
  if (!target.bound) return invalid("the held-out texts do not say their nats");
  table.add("least possible held-out loss, nats a token", *target.bound);
  table.add("held-out loss", target.loss);
  table.at_most("held-out loss above the least", *target.above_bound, 0.15);
  table.add("the draft's held-out loss", draft.loss);
  table.at_least("the draft's less the target's",
                 difference(draft.nats_by_text, target.nats_by_text, texts.tokens), 0.10);
  return {};
}

Result<void> choices(const Subjects& of, Table& table) {
  KT_TRY(const std::vector<Subject> subjects,
         read_subjects(of.target.files.path / "data/multiple_choice", 0));
  const auto right = [&](const EvalModel& model, Formulation formulation) {
    return multiple_choice(model, of.target.files.tokenizer.get(), subjects, formulation, 0,
                           of.pool);
  };
  const auto add_subjects = [&](const MultipleChoiceResult& result) {
    for (const auto& subject : result.subjects) {
      table.add(("- " + subject.name).c_str(), subject.accuracy);
    }
  };
  KT_TRY(const auto target, right(of.target, Formulation::kContinuation));
  KT_TRY(const auto draft, right(of.draft, Formulation::kContinuation));
  table.between("multiple choice by continuation, share right", target.all.accuracy, 0.55, 0.90);
  add_subjects(target);
  table.at_most("the draft's, at least 0.15 less", draft.all.accuracy,
                target.all.accuracy.value - kDraftKnowsLess);
  add_subjects(draft);
  for (const auto& [what, model] : {std::pair("multiple choice by letter", &of.target),
                                    std::pair("the draft's by letter", &of.draft)}) {
    KT_TRY(const auto letters, right(*model, Formulation::kLetters));
    table.against_chance(what, letters.all.accuracy, 0.25);
    add_subjects(letters);
  }
  return {};
}

Result<void> formats(const Subjects& of, const std::string& name, const TokenizedTexts& texts,
                     Table& table) {
  const char* isa = std::getenv("KILOTOKEN_ISA");
  KT_TRY(const EvalModel int4, EvalModel::open(name, Rounding::kInt4, isa ? isa : "", of.pool));
  KT_TRY(const EvalModel int8, EvalModel::open(name, Rounding::kInt8, isa ? isa : "", of.pool));
  KT_TRY(const KlResult four, kl(of.target, int4, texts, of.pool));
  KT_TRY(const KlResult eight, kl(of.target, int8, texts, of.pool));
  table.at_least("KL of INT4 to nearest (weights, groups of 128), nats a token", four.kl, 0.01);
  table.add("KL of INT8 (weights by channel, activations by token)", eight.kl);
  const Estimate more = difference(four.kl_by_text, eight.kl_by_text, texts.tokens);
  table.at_least("INT4's less INT8's, at least 5 standard errors", more, 5 * more.standard_error);
  return {};
}

// The first third of each text, at least one token.
std::vector<std::vector<int32_t>> openings(const TokenizedTexts& texts, size_t count) {
  std::vector<std::vector<int32_t>> out;
  for (const Window& window : texts.windows) {
    if (out.size() == count) break;
    const std::vector<int32_t>& inputs = window.scored.inputs;
    out.emplace_back(inputs.begin(),
                     inputs.begin() + static_cast<std::ptrdiff_t>(inputs.size() / 3 + 1));
  }
  return out;
}

Result<void> guesses(const Subjects& of, const TokenizedTexts& texts, Table& table) {
  const AcceptanceOptions options;
  KT_TRY(const AcceptanceResult found,
         acceptance(of.target, of.draft, openings(texts, kPrompts), options, of.pool));
  table.between("the draft's guesses accepted, 4 a round, temperature 0.8", found.accepted, 0.5,
                0.8);
  table.add("- of those after right ones", found.each);
  table.add("- tokens a round", found.tokens_per_round);
  return {};
}

long long token_count(const TokenizedTexts& texts) {
  return std::llround(std::reduce(texts.tokens.begin(), texts.tokens.end()));
}

Result<bool> measure(const std::string& name) {
  const char* forced = std::getenv("KILOTOKEN_ISA");
  const std::string isa = forced ? forced : "";
  ThreadPool pool(usable_cpu_count());
  KT_TRY(const EvalModel target, EvalModel::open(name, Rounding::kNone, isa, pool));
  KT_TRY(const EvalModel draft,
         EvalModel::open((target.files.path / "draft").string(), Rounding::kNone, isa, pool));
  const Subjects of{target, draft, pool};
  const auto read = [&](int limit) -> Result<TokenizedTexts> {
    KT_TRY(std::vector<EvalText> texts,
           read_texts(target.files.path / "data/held_out.jsonl", limit));
    return tokenize(target, std::move(texts), target.files.config.max_position_embeddings);
  };
  KT_TRY(const TokenizedTexts all, read(0));
  KT_TRY(const TokenizedTexts some, read(kKlTexts));
  std::printf(
      "%s, kernels %s: %zu held-out texts of %lld tokens, the first %zu of %lld tokens for "
      "KL\n\n",
      target.files.path.c_str(), std::string(target.kernels->name).c_str(), all.texts.size(),
      token_count(all), some.texts.size(), token_count(some));
  Table table;
  KT_TRY_VOID(losses(of, all, table));
  KT_TRY_VOID(choices(of, table));
  KT_TRY_VOID(formats(of, name, some, table));
  KT_TRY_VOID(guesses(of, all, table));
  return table.good();
}

int run(int argc, char** argv) {
  const char* given = std::getenv("KILOTOKEN_DEMO_MODEL");
  const std::string name = argc > 1 ? argv[1] : given ? given : "demo";
  const Result<bool> good = measure(name);
  if (!good.ok()) {
    std::printf("FAILED: %s\n", good.error().message.c_str());
    return 1;
  }
  return good.value() ? 0 : 1;
}

}  // namespace
}  // namespace kilotoken

int main(int argc, char** argv) { return kilotoken::run(argc, argv); }
