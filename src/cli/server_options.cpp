#include "cli/server_options.h"

#include <CLI/CLI.hpp>
#include <map>

#include "base/files.h"
#include "base/json.h"
#include "serve/api/api_keys.h"

namespace kilotoken {
namespace {

void add_addresses(CLI::App& command, ServerOptions& options) {
  const std::string group = "Server";
  command.add_option("--host", options.http.host, "address to listen on")
      ->capture_default_str()
      ->group(group);
  command.add_option("--port", options.http.port, "0 = any free one")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535))
      ->group(group);
  command
      .add_option("--served-model-name", options.api.served_model_names,
                  "names that requests may use; default: MODEL as given")
      ->group(group);
  command
      .add_option("--tokenizer-threads", options.api.tokenizer_pool.threads,
                  "threads that render chat templates and turn text into tokens")
      ->capture_default_str()
      ->check(CLI::Range(1, 256))
      ->group(group);
  command
      .add_flag("--strict-params", options.api.strict_params,
                "refuse requests with unknown parameters (default: name them in x-ignored-params)")
      ->group(group);
  command
      .add_option("--shutdown-timeout", options.shutdown_timeout_s,
                  "seconds that running requests get to finish after SIGTERM")
      ->capture_default_str()
      ->check(CLI::Range(0, 86400))
      ->group(group);
  command
      .add_option("--stall-timeout", options.api.stall_timeout_s,
                  "seconds without progress after which /health answers 503")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400))
      ->group(group);
}

void add_log(CLI::App& command, ServerOptions& options) {
  const std::string group = "Log";
  const std::map<std::string, Log::Level> levels = {{"debug", Log::Level::kDebug},
                                                    {"info", Log::Level::kInfo},
                                                    {"warn", Log::Level::kWarn},
                                                    {"error", Log::Level::kError}};
  command
      .add_option_function<std::string>(
          "--log-level",
          [&options, levels](const std::string& name) { options.log_level = levels.at(name); },
          "the least that is logged, to standard error: debug, info (a line for each request), "
          "warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->default_str("info")
      ->group(group);
  command
      .add_option_function<std::string>(
          "--log-format",
          [&options](const std::string& name) {
            options.log_form = name == "json" ? Log::Form::kJson : Log::Form::kText;
          },
          "text, or json: an object a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text")
      ->group(group);
}

void add_access(CLI::App& command, ServerOptions& options) {
  const std::string group = "Access";
  // One value each time, so that MODEL may follow.
  command
      .add_option("--api-key", options.api.api_keys,
                  "a key that clients must show on every route but /health (may be repeated)")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option(
          "--shared-prefix", options.shared_prefix_files,
          "a file with a text that is no secret (a system message, the beginning of prompts): "
          "its cached pages serve all keys (may be repeated; default: keys share nothing)")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--allowed-origins", options.api.cors.allowed_origins,
                  "origins whose pages may use the server from a browser: one, a list with commas, "
                  "a JSON list, or * (may be repeated; default: none)")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_flag("--allow-credentials", options.api.cors.allow_credentials,
                "let those pages send cookies and client certificates")
      ->group(group);
}

void add_limits(CLI::App& command, ServerOptions& options) {
  const std::string group = "Limits";
  const auto add = [&command, &group](const char* flag, auto& value, const char* help,
                                      int64_t least, int64_t most) {
    command.add_option(flag, value, help)
        ->capture_default_str()
        ->check(CLI::Range(least, most))
        ->group(group);
  };
  RequestLimits& limits = options.http.limits;
  add("--max-connections", options.http.max_connections, "more are answered 503", 1, 1 << 20);
  add("--max-header-bytes", limits.max_header_bytes, "of one request; more is answered 431", 256,
      1 << 20);
  add("--max-header-count", limits.max_header_count, "of one request; more are answered 431", 1,
      1 << 16);
  add("--max-body-bytes", limits.max_body_bytes, "of one request; more is answered 413", 1,
      int64_t{1} << 32);
  add("--http-idle-timeout-ms", options.http.idle_timeout_ms,
      "for a request's header, for more of its body, between requests, for output to move", 1,
      86'400'000);
  add("--http-request-timeout-ms", options.http.request_timeout_ms,
      "for the whole of a request to arrive", 1, 86'400'000);
}

Result<std::vector<std::string>> split_origins(const std::string& value) {
  std::vector<std::string> origins;
  if (value.starts_with("[")) {
    KT_TRY(const Json list, parse_json(value, "--allowed-origins"));
    for (const Json& item : list) {
      if (!item.is_string()) return invalid("--allowed-origins: a JSON list of strings is wanted");
      origins.push_back(item.get<std::string>());
    }
    return origins;
  }
  for (size_t at = 0; at <= value.size();) {
    const size_t end = std::min(value.find(',', at), value.size());
    origins.push_back(value.substr(at, end - at));
    at = end + 1;
  }
  return origins;
}

// As a browser sends it, or it would never match.
bool is_origin(std::string_view text) {
  if (text == "*" || text == "null") return true;
  const size_t host = text.find("://");
  return host != text.npos && host > 0 && host + 3 < text.size() &&
         text.find('/', host + 3) == text.npos && text.find(' ') == text.npos;
}

}  // namespace

void add_server_options(CLI::App& command, ServerOptions& options) {
  add_addresses(command, options);
  add_access(command, options);
  add_limits(command, options);
  add_log(command, options);
}

Result<void> check_server_options(ServerOptions& options) {
  for (const std::string& key : options.api.api_keys) {
    if (const Result<void> checked = ApiKeys::check(key); !checked.ok()) {
      return invalid("--api-key: " + checked.error().message, "api_key");
    }
  }
  for (const std::string& file : options.shared_prefix_files) {
    KT_TRY(std::string text, read_text_file(file));
    if (text.find_first_not_of(" \r\n\t") == text.npos) {
      return invalid("--shared-prefix " + file + ": the file is empty, there is nothing to share");
    }
    options.api.shared_prefixes.push_back(std::move(text));
  }
  std::vector<std::string> origins;
  for (const std::string& value : options.api.cors.allowed_origins) {
    KT_TRY(const std::vector<std::string> some, split_origins(value));
    origins.insert(origins.end(), some.begin(), some.end());
  }
  for (const std::string& origin : origins) {
    if (is_origin(origin)) continue;
    return invalid(
        "--allowed-origins: \"" + origin +
        "\" is no origin: write it as https://name or https://name:port, without a path");
  }
  options.api.cors.allowed_origins = std::move(origins);
  return {};
}

}  // namespace kilotoken
