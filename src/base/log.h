#pragma once
// A log that is passed in. Lines go to standard error, so standard output stays the program's own.

#include <memory>
#include <string>
#include <string_view>

namespace kilotoken {

class Log {
 public:
  enum class Level { kDebug, kInfo, kWarn, kError };
  enum class Form { kText, kJson };  // JSON: an object a line, {"time","level","message"}

  explicit Log(Level level = Level::kInfo, Form form = Form::kText);
  ~Log();

  void debug(std::string_view line) const { write(Level::kDebug, line); }
  void info(std::string_view line) const { write(Level::kInfo, line); }
  void warn(std::string_view line) const { write(Level::kWarn, line); }
  void error(std::string_view line) const { write(Level::kError, line); }

 private:
  void write(Level level, std::string_view line) const;
  struct Sink;
  const Form form_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace kilotoken
