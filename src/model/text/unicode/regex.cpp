#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/text/unicode/regex.h"

#include <pcre2.h>

#include <algorithm>

#include "model/text/unicode/regex_syntax.h"
#include "model/text/unicode/utf8.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

// Backtracking steps that a search gets at first, and how many more each time it asks again. What
// the further tries cost is taken from the matcher's budget.
constexpr uint32_t kFirstSteps = 2'000;
constexpr uint32_t kMoreSteps = 16;
constexpr uint64_t kBudgetAtFirst = 20'000'000;
constexpr uint64_t kBudgetPerByte = 64;
constexpr uint32_t kMostHeapKib = 64 << 10;  // of one search without machine code

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;

PCRE2_SPTR bytes_of(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data() ? text.data() : "");
}

}  // namespace

struct Regex::Code {
  Owned<pcre2_code, pcre2_code_free> code;
  bool compiled = false;  // to machine code
};

Regex::Regex(std::unique_ptr<const Code> code) : code_(std::move(code)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

namespace {

Result<pcre2_code*> compile_pattern(std::string_view pattern, uint32_t options,
                                    std::string_view where) {
  constexpr size_t kMostBytes = 64 << 10;
  if (pattern.size() > kMostBytes) {
    return invalid(std::string(where) + ": a pattern of " + std::to_string(pattern.size()) +
                   " bytes; up to " + std::to_string(kMostBytes) + " are taken");
  }
  const Owned<pcre2_compile_context, pcre2_compile_context_free> context(
      pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context.get(), 100);
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* code = pcre2_compile(bytes_of(pattern), pattern.size(), PCRE2_UTF | options, &error,
                                   &at, context.get());
  if (code) return code;
  PCRE2_UCHAR message[256] = {};
  pcre2_get_error_message(error, message, sizeof message);
  return invalid(std::string(where) + ": the pattern " + printable(pattern) +
                 " cannot be compiled, at byte " + std::to_string(at) + ": " +
                 reinterpret_cast<const char*>(message));
}

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern, std::string_view where) {
  KT_TRY(const std::string translated, pcre2_pattern(pattern, where));
  KT_TRY(pcre2_code * raw,
         compile_pattern(translated, PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, where));
  auto code = std::make_unique<Code>();
  code->code.reset(raw);
  code->compiled = pcre2_jit_compile(raw, PCRE2_JIT_COMPLETE) == 0;
  return Regex(std::move(code));
}

Result<Regex> Regex::literal(std::string_view text, std::string_view where) {
  KT_TRY(pcre2_code * raw, compile_pattern(text, PCRE2_LITERAL, where));
  auto code = std::make_unique<Code>();
  code->code.reset(raw);
  code->compiled = pcre2_jit_compile(raw, PCRE2_JIT_COMPLETE) == 0;
  return Regex(std::move(code));
}

struct RegexMatcher::State {
  explicit State(const Regex::Code& regex)
      : code(regex.code.get()),
        compiled(regex.compiled),
        data(pcre2_match_data_create_from_pattern(regex.code.get(), nullptr)),
        context(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context.get(), kFirstSteps);
    pcre2_set_heap_limit(context.get(), kMostHeapKib);
  }
  const pcre2_code* code;
  bool compiled;
  Owned<pcre2_match_data, pcre2_match_data_free> data;
  Owned<pcre2_match_context, pcre2_match_context_free> context;
  uint64_t budget = kBudgetAtFirst;
};

RegexMatcher::RegexMatcher(const Regex& regex) : state_(std::make_unique<State>(*regex.code_)) {}
RegexMatcher::~RegexMatcher() = default;

Result<bool> RegexMatcher::search(std::string_view text, size_t at, RegexSpan& match) {
  State& state = *state_;
  bool compiled = state.compiled;
  const auto once = [&] {
    if (compiled) {
      return pcre2_jit_match(state.code, bytes_of(text), text.size(), at, PCRE2_NO_UTF_CHECK,
                             state.data.get(), state.context.get());
    }
    return pcre2_match(state.code, bytes_of(text), text.size(), at,
                       PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, state.data.get(), state.context.get());
  };
  int found = once();
  for (uint32_t steps = kFirstSteps; found < PCRE2_ERROR_NOMATCH;) {
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
      compiled = false;
    } else if (found == PCRE2_ERROR_MATCHLIMIT && state.budget >= uint64_t{steps} * kMoreSteps) {
      steps *= kMoreSteps;
      state.budget -= steps;
      pcre2_set_match_limit(state.context.get(), steps);
    } else {
      return Error{ErrorCode::kTooLarge,
                   "the tokenizer's pattern takes too long at byte " + std::to_string(at) +
                       " of this text: send another text",
                   {}};
    }
    found = once();
    pcre2_set_match_limit(state.context.get(), kFirstSteps);
  }
  if (found == PCRE2_ERROR_NOMATCH) return false;
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(state.data.get());
  // \K may set the beginning of a match to any place.
  match = {std::max(bounds[0], at), std::max({bounds[0], bounds[1], at}), true};
  return true;
}

Result<void> RegexMatcher::split(std::string_view text, std::vector<RegexSpan>& spans) {
  state_->budget += text.size() * kBudgetPerByte;
  size_t taken = 0;     // the spans so far
  size_t last_end = 0;  // of the last match
  bool any = false;
  for (size_t at = 0; at <= text.size();) {
    RegexSpan match{};
    KT_TRY(const bool found, search(text, at, match));
    if (!found) break;
    if (match.begin == match.end && any && match.end == last_end) {
      if (at == text.size()) break;
      at += utf8_character(text.substr(at)).bytes;
      continue;
    }
    if (match.begin > taken) spans.push_back({taken, match.begin, false});
    spans.push_back(match);
    taken = at = last_end = match.end;
    any = true;
  }
  if (taken < text.size()) spans.push_back({taken, text.size(), false});
  return {};
}

}  // namespace kilotoken
