// Who shares cached prompts with whom, and what GET /v1/cache says of them.

#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "api/served.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

json prompt_of(int tokens, int first = 300) {
  json ids = {1};
  for (int i = 1; i < tokens; ++i) ids.push_back(first + i % 200);
  return ids;
}

// Of a completion with this key and cache_salt, the prompt's tokens that were found.
int cached_tokens(const Served& served, const json& prompt, const std::string& key,
                  const std::string& salt = {}) {
  json body = {{"prompt", prompt}, {"max_tokens", 1}};
  if (!salt.empty()) body["cache_salt"] = salt;
  const std::string headers = "content-type: application/json\r\n" +
                              (key.empty() ? "" : "authorization: Bearer " + key + "\r\n");
  const Answer answer =
      ask(served.port(), request_text("POST", "/v1/completions", body.dump(), headers));
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"];
}

json cache_of(const Served& served, const std::string& headers = {}) {
  return ask(served.port(), request_text("GET", "/v1/cache", "", headers)).json();
}

TEST(Cache, KeysAndSaltsShareNothing) {
  const Served served({.api_keys = {"sk-one", "sk-two"}});
  const json prompt = prompt_of(130);
  EXPECT_EQ(cached_tokens(served, prompt, "sk-one"), 0);
  EXPECT_EQ(cached_tokens(served, prompt, "sk-one"), 128);
  EXPECT_EQ(cached_tokens(served, prompt, "sk-two"), 0);
  EXPECT_EQ(cached_tokens(served, prompt, "sk-two", "mine"), 0);
  EXPECT_EQ(cached_tokens(served, prompt, "sk-two", "mine"), 128);
  EXPECT_EQ(cached_tokens(served, prompt, "sk-one", "mine"), 0) << "a salt is one of its key";
  const json cache = cache_of(served, "authorization: Bearer sk-two\r\n");
  const json& misses = cache["prefix_cache"]["requests_by_miss_reason"];
  EXPECT_EQ(misses["cold"], 1);
  EXPECT_EQ(misses["salt"], 3);
  EXPECT_EQ(misses["partial_page"], 2);
}

TEST(Cache, ADeclaredPrefixServesEveryKey) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "You answer briefly, as a friend would do. ";
  const Served served(
      {.max_model_len = 1024, .api_keys = {"sk-one", "sk-two"}, .shared_prefixes = {text + "\n"}});
  const int one = cached_tokens(served, text + "What is rain?", "sk-one");
  EXPECT_EQ(one, 0);
  const int two = cached_tokens(served, text + "Who are you?", "sk-two");
  EXPECT_GE(two, 128);
  EXPECT_EQ(two % 64, 0) << "whole pages of what is declared";
  const std::string secret = text.substr(10);  // begins otherwise
  EXPECT_EQ(cached_tokens(served, secret, "sk-one"), 0);
  EXPECT_EQ(cached_tokens(served, secret, "sk-two"), 0);
}

TEST(Cache, TellsOccupancyAndTheHottestPrefixesButNoText) {
  const Served served;
  for (int i = 0; i < 3; ++i) cached_tokens(served, prompt_of(130), "");
  const json cache = cache_of(served);
  EXPECT_EQ(cache["page_tokens"], 64);
  EXPECT_EQ(cache["pages_in_use"], 0);
  const json& prefix = cache["prefix_cache"];
  EXPECT_EQ(prefix["pages"], 2);
  EXPECT_EQ(prefix["idle_pages"], 2);
  EXPECT_EQ(prefix["queried_tokens"], 390);
  EXPECT_EQ(prefix["hit_tokens"], 256);
  ASSERT_EQ(prefix["hottest_prefixes"].size(), 1u);
  const json& hottest = prefix["hottest_prefixes"][0];
  EXPECT_EQ(hottest["tokens"], 128);
  EXPECT_EQ(hottest["hits"], 2);
  EXPECT_EQ(hottest["hash"].get<std::string>().size(), 16u);
  EXPECT_EQ(hottest.size(), 3u);
}

// Turns of conversations, some of them more talkative than others, and what of their prompts a
// cache found against what one that remembers everything would have: whole pages, all but a last
// token.
struct Found {
  int64_t tokens = 0, hits = 0, oracle = 0;
};

Found talk(const Served& served) {
  std::vector<std::vector<int>> conversations(6);
  std::set<std::vector<int>> remembered;  // beginnings that end with a page
  Found found;
  for (unsigned i = 0, draw = 1; i < 40; ++i) {
    draw = draw * 1103515245 + 12345;
    const unsigned who = std::min(draw >> 16 & 15, 5u);
    std::vector<int>& prompt = conversations[who];
    if (prompt.size() > 400) prompt.clear(), prompt.push_back(static_cast<int>(100 + i));
    for (unsigned k = 0; k < 75; ++k) prompt.push_back(static_cast<int>(300 + (who * 31 + k) % 97));
    found.tokens += static_cast<int64_t>(prompt.size());
    found.hits += cached_tokens(served, json(prompt), "");
    int64_t known = 0;
    for (size_t end = 64; end <= prompt.size(); end += 64) {
      std::vector<int> beginning(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(end));
      const bool is_new = remembered.insert(std::move(beginning)).second;
      if (!is_new && end < prompt.size()) known = static_cast<int64_t>(end);
    }
    found.oracle += known;
  }
  return found;
}

TEST(Cache, FindsAsMuchAsAnOracleUntilItHasToMakeRoom) {
  const Served roomy({.max_model_len = 512});
  const Found all = talk(roomy);
  EXPECT_EQ(all.hits, all.oracle) << "of " << all.tokens;
  EXPECT_GT(all.oracle, all.tokens / 2) << "else this says little";
  EXPECT_EQ(cache_of(roomy)["prefix_cache"]["evicted_pages"], 0);

  const int64_t page_bytes = (64 << 20) / cache_of(roomy)["pages"].get<int64_t>();
  const Served tight({.max_model_len = 512, .kv_cache_memory_bytes = 12 * page_bytes});
  ASSERT_EQ(cache_of(tight)["pages"], 12);
  const Found some = talk(tight);
  EXPECT_EQ(some.oracle, all.oracle);
  EXPECT_LT(some.hits, some.oracle);
  EXPECT_GT(some.hits, some.oracle / 4) << "the talkative ones are kept";
  const json cache = cache_of(tight)["prefix_cache"];
  EXPECT_GT(cache["evicted_pages"], 0);
  EXPECT_GT(cache["requests_by_miss_reason"]["evicted"], 0);
  EXPECT_EQ(cache["hit_tokens"], some.hits);
  EXPECT_EQ(cache_of(tight)["pages_in_use"], 0);
  std::printf("hit rates: an oracle %.3f, with room %.3f, with 12 pages %.3f\n",
              static_cast<double>(all.oracle) / static_cast<double>(all.tokens),
              static_cast<double>(all.hits) / static_cast<double>(all.tokens),
              static_cast<double>(some.hits) / static_cast<double>(some.tokens));
}

TEST(Cache, TheBooksAreCheckedWhenNothingIsToBeDone) {
  Served served;
  cached_tokens(served, prompt_of(70), "");
  EXPECT_TRUE(eventually([&] { return served.model().engine().load().integrity_checks > 0; }));
}

}  // namespace
}  // namespace kilotoken::test
