#include "measure/bench/null_child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/files.h"

namespace kilotoken::bench {

Result<std::unique_ptr<NullChild>> NullChild::start(std::vector<std::string> arguments,
                                                    std::string program) {
  arguments.insert(arguments.begin(), {"kilotoken", "bench", "null-server"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  if (program.empty()) program = executable_path();
  int out[2] = {-1, -1};
  if (::pipe2(out, O_CLOEXEC) != 0) return Error{ErrorCode::kIo, "no pipe: too many files", {}};
  std::unique_ptr<NullChild> child(new NullChild);
  child->pid_ = ::fork();
  if (child->pid_ == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(out[1]);
  std::FILE* said = ::fdopen(out[0], "r");
  const bool listening = std::fscanf(said, "port %d", &child->port_) == 1;
  std::fclose(said);
  if (child->pid_ > 0 && listening) return child;
  return Error{ErrorCode::kInternal, "the null server did not start from " + program, {}};
}

NullChild::~NullChild() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace kilotoken::bench
