#include "text/score.h"

#include <cstdio>

#include "base/files.h"
#include "model/text/detokenizer.h"

namespace kilotoken::test {
namespace {

std::string shown(const Ids& ids) {
  std::string text;
  for (const int32_t id : ids) text += (text.empty() ? "" : " ") + std::to_string(id);
  return text;
}

}  // namespace

void Score::count(bool exact, const std::string& what, const std::string& got,
                  const std::string& expected) {
  constexpr int kMostShown = 5;
  ++cases_;
  exact_ += exact ? 1 : 0;
  if (exact || cases_ - exact_ > kMostShown) return;
  std::printf("%s: %s\n  expected %s\n  got      %s\n", name_.c_str(), Json(what).dump().c_str(),
              expected.c_str(), got.c_str());
}

void Score::ids(const std::string& text, const Result<Ids>& got, const Ids& expected) {
  const bool exact = got.ok() && *got == expected;
  count(exact, text, got.ok() ? shown(*got) : got.error().message, shown(expected));
}

void Score::equal(const std::string& what, const std::string& got, const std::string& expected) {
  count(got == expected, what, Json(got).dump(), Json(expected).dump());
}

void Score::text(const Tokenizer& tokenizer, std::span<const int32_t> ids, bool skip_special_tokens,
                 const std::string& expected) {
  equal("decode", tokenizer.decode(ids, skip_special_tokens), expected);
  Detokenizer stream(tokenizer, skip_special_tokens, true);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  text += stream.finish();
  if (text != expected) count(false, "streamed", Json(text).dump(), Json(expected).dump());
}

bool Score::report(int expected_cases) const {
  std::printf(
      "%s: %d cases, %d exact, %d not exact%s\n", name_.c_str(), cases_, exact_, cases_ - exact_,
      cases_ == expected_cases ? "" : (", the data has " + std::to_string(expected_cases)).c_str());
  return cases_ == expected_cases && exact_ == cases_ && cases_ > 0;
}

std::string read_text(const std::filesystem::path& path) {
  auto text = read_text_file(path);
  KT_CHECK(text.ok(), text.error().message);
  return std::move(text).value();
}

Json read_json(const std::filesystem::path& path) {
  auto parsed = parse_json(read_text(path), path.string());
  KT_CHECK(parsed.ok(), parsed.error().message);
  return std::move(parsed).value();
}

std::unique_ptr<Tokenizer> taken(Result<std::unique_ptr<Tokenizer>> tokenizer) {
  KT_CHECK(tokenizer.ok(), tokenizer.error().message);
  return std::move(tokenizer).value();
}

}  // namespace kilotoken::test
