#include "cli/greeting.h"

#include "base/files.h"

namespace kilotoken {
namespace {

std::string row(const char* name, const std::string& text) {
  std::string start = std::string("  ") + name;
  start.resize(11, ' ');
  return start + text + "\n";
}

std::string memory_text(const ServedModel& model) {
  const KvCache& kv = model.kv();
  const auto page_bytes = static_cast<int64_t>(kv.spec().page_bytes());
  return mebibytes_text(model.weight_bytes()) + " weights, " +
         mebibytes_text(kv.page_count() * page_bytes) + " KV cache (" +
         std::string(name_of(kv.spec().dtype)) + ", " +
         std::to_string(int64_t{kv.page_count()} * kPageTokens) +
         " tokens, shared by all requests" +
         (model.prefix_caching() ? ", beginnings kept for later ones)" : ")");
}

}  // namespace

std::string greeting(const std::string& url, const std::string& model_name,
                     const ServedModel& model) {
  constexpr const char* kMessages =
      "\"messages\":[{\"role\":\"user\",\"content\":\"Tell me a story about a fox.\"}]";
  const ModelConfig& config = model.config();
  const bool chats = model.chat_template().ok();
  std::string text = "\n";
  text +=
      row("model", model_name + ": " + config.architecture + ", " + std::to_string(config.layers) +
                       " layers, context of " + std::to_string(model.max_model_len()) + " tokens" +
                       (chats ? "" : ", no chat template"));
  text += row("memory", memory_text(model));
  text += row("kernels", std::string(model.kernels_name()) + " on " +
                             std::to_string(model.threads()) + " threads");
  text += row("address", url + (chats ? "  (open it in a browser to chat)" : ""));
  text += "\n";
  if (chats) text += "  kilotoken chat " + url + "\n";
  return text + "  curl -sN " + url + "/v1/" + (chats ? "chat/completions" : "completions") +
         " -H 'content-type: application/json' \\\n    -d '{\"model\":\"" + model_name + "\"," +
         (chats ? kMessages : "\"prompt\":\"Once upon a time\",\"max_tokens\":80") +
         ",\"stream\":true}'\n\n";
}

}  // namespace kilotoken
