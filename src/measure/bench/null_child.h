#pragma once
// NullChild: the null server as a process of its own, for as long as the object lives.

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace kilotoken::bench {

class NullChild {
 public:
  // `arguments` of `kilotoken bench null-server`. `program`: the file of kilotoken; empty: this
  // program's own.
  static Result<std::unique_ptr<NullChild>> start(std::vector<std::string> arguments,
                                                  std::string program = "");
  ~NullChild();
  NullChild(const NullChild&) = delete;
  NullChild& operator=(const NullChild&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  NullChild() = default;
  pid_t pid_ = -1;
  int port_ = 0;
};

}  // namespace kilotoken::bench
