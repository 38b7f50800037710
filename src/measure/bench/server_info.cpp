#include "measure/bench/server_info.h"

#include <chrono>
#include <thread>

namespace kilotoken::bench {
namespace {

constexpr int kAnswerMs = 5000;

Json fetch_json(const std::shared_ptr<const ClientTarget>& target, const HttpHeaders& headers,
                std::string_view path) {
  const auto answer = http_fetch(target, "GET", path, headers, "", kAnswerMs);
  if (!answer.ok() || answer->status != 200) return nullptr;
  return Json::parse(answer->body, nullptr, false);
}

int positive(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || !json.at(key).is_number_integer()) return 0;
  return static_cast<int>(std::max<int64_t>(0, json.at(key).get<int64_t>()));
}

// llama.cpp serves a shorter context than the model was made for, and says so elsewhere.
int slot_context(const std::shared_ptr<const ClientTarget>& target, const HttpHeaders& headers) {
  const Json props = fetch_json(target, headers, "/props");
  if (!props.is_object() || !props.contains("default_generation_settings")) return 0;
  return positive(props.at("default_generation_settings"), "n_ctx");
}

}  // namespace

Result<ServerInfo> ask_server(const std::shared_ptr<const ClientTarget>& target,
                              const HttpHeaders& headers, int timeout_s) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  std::string why;
  for (;;) {
    const auto answer = http_fetch(target, "GET", "/v1/models", headers, "", kAnswerMs);
    if (answer.ok() && answer->status == 200) {
      const Json json = Json::parse(answer->body, nullptr, false);
      if (!json.is_object() || !json.contains("data") || !json.at("data").is_array() ||
          json.at("data").empty() || !json.at("data").at(0).is_object()) {
        return invalid(target->url().text() +
                       "/v1/models lists no model: is this an "
                       "OpenAI-compatible server?");
      }
      const Json& first = json.at("data").at(0);
      ServerInfo info;
      info.model = first.value("id", "");
      info.owner = first.value("owned_by", "");
      info.max_model_len = positive(first, "max_model_len");
      if (info.max_model_len == 0) info.max_model_len = slot_context(target, headers);
      const Json version = fetch_json(target, headers, "/version");
      if (version.is_object()) {
        const auto name = version.find("version");
        if (name != version.end() && name->is_string()) info.version = name->get<std::string>();
        if (version.contains("configuration")) info.configuration = version.at("configuration");
      }
      return info;
    }
    why = answer.ok()
              ? "GET " + target->url().text() + "/v1/models: HTTP " + std::to_string(answer->status)
              : answer.error().message;
    if (std::chrono::steady_clock::now() >= until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return Error{ErrorCode::kUnavailable,
               why + "; the server is not ready (--ready-check-timeout-sec waits longer)",
               {}};
}

}  // namespace kilotoken::bench
