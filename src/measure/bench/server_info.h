#pragma once
// ServerInfo: what a server says of itself before it is measured.

#include <memory>
#include <string>

#include "base/json.h"
#include "net/client.h"

namespace kilotoken::bench {

struct ServerInfo {
  std::string model;                                  // the first of those it serves
  std::string owner;                                  // "kilotoken", "vllm", "llamacpp"
  std::string version;                                // empty: it does not say
  int max_model_len = 0;                              // 0: it does not say
  OrderedJson configuration = OrderedJson::object();  // empty: it does not say
  bool ours() const { return owner == "kilotoken"; }
};

// Asks until it answers, or the time is over (kUnavailable).
Result<ServerInfo> ask_server(const std::shared_ptr<const ClientTarget>& target,
                              const HttpHeaders& headers, int timeout_s);

}  // namespace kilotoken::bench
