#pragma once
// LineInput: lines of standard input, for a conversation: a signal interrupts the wait for one.

#include <string>

namespace kilotoken {

class LineInput {
 public:
  enum class Got { kLine, kEnd, kInterrupted };

  // The next line, without its end. kInterrupted: a signal came, and what was typed is forgotten.
  Got next(std::string& line);

 private:
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace kilotoken
