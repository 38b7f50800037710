#pragma once
// What a template may use up, and how running out or any other failure ends it. Templates come from
// model files and are hostile input: they are code that anyone may have written.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace kilotoken::jinja {

// A template gets a base and more for every value and byte of the variables it is given, so that
// long conversations render and a loop without end does not.
struct Limits {
  int64_t steps = 2'000'000;
  int64_t steps_per_value = 1'000;
  int64_t steps_per_input_byte = 4;
  int64_t memory_bytes = 64 << 20;  // of all values made, also those that are gone again
  int64_t memory_per_input_byte = 32;
  int64_t output_bytes = 16 << 20;
  int64_t output_per_input_byte = 32;
  int64_t range_length = 100'000;  // Jinja2's sandbox has the same
  int call_depth = 600;            // nested statements, expressions and calls together
};
inline constexpr int kMaxSourceDepth = 100;       // nested blocks and brackets in the source
inline constexpr int kMaxExpressionHeight = 200;  // of an expression's tree
inline constexpr int kMaxValueDepth = 200;        // lists in lists, dicts in dicts
inline constexpr int64_t kMaxSourceBytes = 4 << 20;

// A Python exception within a template. It is a C++ exception inside this room, where every
// expression may raise, and ends as an Error at the room's interface (Template).
class Raised : public std::exception {
 public:
  explicit Raised(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  const std::string& message() const { return message_; }
  int line() const { return line_; }  // 0 until the statement is known
  void set_line(int line) {
    if (line_ == 0) line_ = line;
  }

 private:
  std::string message_;
  int line_ = 0;
};

// Counts what one rendering uses.
class Budget {
 public:
  Budget(const Limits& limits, int64_t input_values, int64_t input_bytes)
      : limits_(limits),
        steps_(limits.steps + limits.steps_per_value * input_values +
               limits.steps_per_input_byte * input_bytes),
        memory_bytes_(limits.memory_bytes + limits.memory_per_input_byte * input_bytes),
        output_bytes_(limits.output_bytes + limits.output_per_input_byte * input_bytes) {}

  const Limits& limits() const { return limits_; }

  void step(int64_t count = 1) {
    if ((steps_ -= count) < 0) throw Raised("the template takes too many steps (limit of steps)");
  }
  // Looking through `bytes` of text.
  void scan(size_t bytes) { step(1 + static_cast<int64_t>(bytes / 32)); }
  // Going through it character by character.
  void walk(size_t bytes) { step(1 + static_cast<int64_t>(bytes / 8)); }
  // Making a value; call it before the memory is taken.
  void memory(size_t bytes) {
    const auto more = static_cast<int64_t>(bytes);
    if (more > memory_bytes_) {
      throw Raised("the template makes too many or too large values (limit of value memory)");
    }
    memory_bytes_ -= more;
    step(static_cast<int64_t>(bytes / 256));
  }
  void output(size_t bytes) {
    const auto more = static_cast<int64_t>(bytes);
    if (more > output_bytes_) throw Raised("the template writes too much (limit of output)");
    output_bytes_ -= more;
  }

 private:
  const Limits& limits_;
  int64_t steps_;
  int64_t memory_bytes_;
  int64_t output_bytes_;
};

}  // namespace kilotoken::jinja
