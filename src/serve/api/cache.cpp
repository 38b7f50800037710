// GET /v1/cache: what the KV pages and the prefix cache hold, as numbers and hashes, never text.

#include "base/json.h"
#include "serve/api/routes.h"

namespace kilotoken {
namespace {

constexpr size_t kHottest = 20;

// The cache's own hashes could be tried out by whoever guesses a prompt; these cannot.
std::string shown_hash(const ApiContext& context, uint64_t hash) {
  const std::string key(context.hash_key.begin(), context.hash_key.end());
  return to_hex(hmac_sha256(key, std::to_string(hash))).substr(0, 16);
}

OrderedJson prefixes(const ApiContext& context, const PrefixCache& cache) {
  OrderedJson list = OrderedJson::array();
  for (const PrefixCache::Prefix& prefix : cache.hottest(kHottest)) {
    list.push_back({{"hash", shown_hash(context, prefix.hash)},
                    {"tokens", prefix.tokens},
                    {"hits", prefix.hits}});
  }
  return list;
}

OrderedJson prefix_cache(const ApiContext& context, const Scheduler& scheduler) {
  const PrefixCache* cache = scheduler.cache();
  if (!cache) return nullptr;
  const Scheduler::PrefixCounts& counts = scheduler.prefix_counts();
  OrderedJson misses;
  for (size_t i = 0; i < counts.misses.size(); ++i) {
    misses[name_of(static_cast<PrefixMiss>(i))] = counts.misses[i];
  }
  return {{"pages", cache->page_count()},
          {"idle_pages", cache->idle_page_count()},
          {"evicted_pages", cache->evicted_pages()},
          {"queried_tokens", counts.queried_tokens},
          {"hit_tokens", counts.hit_tokens},
          {"requests_by_miss_reason", misses},
          {"hottest_prefixes", prefixes(context, *cache)}};
}

// Of each declared prefix: as a prompt, and as a chat's system message.
OrderedJson shared_prefix_tokens(const ApiContext& context) {
  OrderedJson list = OrderedJson::array();
  for (const auto& prefix : context.sharing.prefixes()) list.push_back(prefix.size());
  return list;
}

}  // namespace

void answer_cache(ApiContext& context, const HttpRequest&, const WriterPtr& writer) {
  context.model.engine().inspect([&context, writer](const Engine& engine) {
    const Scheduler& scheduler = engine.scheduler();
    const OrderedJson body = {{"object", "cache"},
                              {"page_tokens", kPageTokens},
                              {"pages", context.model.kv().page_count()},
                              {"pages_in_use", scheduler.pages_in_use()},
                              {"shared_prefix_tokens", shared_prefix_tokens(context)},
                              {"prefix_cache", prefix_cache(context, scheduler)}};
    writer->send(json_response(200, body.dump()));
  });
}

}  // namespace kilotoken
