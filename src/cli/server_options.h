#pragma once
// The flags of `kilotoken serve` that are not the model's: where it listens, who is let in, limits.

#include "base/log.h"
#include "base/result.h"
#include "net/server.h"
#include "serve/api/api.h"

namespace CLI {
class App;
}

namespace kilotoken {

struct ServerOptions {
  HttpServerConfig http;
  ApiConfig api;  // its names are empty until the model's is known
  int shutdown_timeout_s = 30;
  std::vector<std::string> shared_prefix_files{};
  Log::Level log_level = Log::Level::kInfo;
  Log::Form log_form = Log::Form::kText;
};

void add_server_options(CLI::App& command, ServerOptions& options);

// What the flags' own checks do not see: keys, origins (which it takes apart: a flag may hold a
// list), files (which it reads). kInvalid names the flag.
Result<void> check_server_options(ServerOptions& options);

}  // namespace kilotoken
