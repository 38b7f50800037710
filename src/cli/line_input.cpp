#include "cli/line_input.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace kilotoken {

LineInput::Got LineInput::next(std::string& line) {
  for (;;) {
    const size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return Got::kLine;
    }
    if (ended_) {
      if (buffer_.empty()) return Got::kEnd;
      line = std::exchange(buffer_, {});
      return Got::kLine;
    }
    char piece[4096];
    const ssize_t count = read(STDIN_FILENO, piece, sizeof piece);
    if (count < 0 && errno == EINTR) {
      buffer_.clear();
      return Got::kInterrupted;
    }
    if (count <= 0) {
      ended_ = true;
    } else {
      buffer_.append(piece, static_cast<size_t>(count));
    }
  }
}

}  // namespace kilotoken
