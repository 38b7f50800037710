#pragma once
// KT_CHECK: programmer errors, always on. Prints the condition, both values and a note, then
// aborts.

#include <sstream>
#include <string>
#include <string_view>

namespace kilotoken {

[[noreturn]] void check_failed(const char* file, int line, std::string_view condition,
                               const std::string& note);

template <typename A, typename B>
[[noreturn]] void check_op_failed(const char* file, int line, std::string_view condition,
                                  const A& a, const B& b) {
  std::ostringstream note;
  note << a << " against " << b;
  check_failed(file, line, condition, note.str());
}

}  // namespace kilotoken

#define KT_CHECK(condition, ...)                                                           \
  do {                                                                                     \
    if (!(condition)) [[unlikely]]                                                         \
      ::kilotoken::check_failed(__FILE__, __LINE__, #condition, std::string{__VA_ARGS__}); \
  } while (false)

#define KT_CHECK_OP(op, a, b)                                                          \
  do {                                                                                 \
    const auto& kt_a = (a);                                                            \
    const auto& kt_b = (b);                                                            \
    if (!(kt_a op kt_b)) [[unlikely]]                                                  \
      ::kilotoken::check_op_failed(__FILE__, __LINE__, #a " " #op " " #b, kt_a, kt_b); \
  } while (false)

#define KT_CHECK_EQ(a, b) KT_CHECK_OP(==, a, b)
#define KT_CHECK_LT(a, b) KT_CHECK_OP(<, a, b)
#define KT_CHECK_LE(a, b) KT_CHECK_OP(<=, a, b)
#define KT_CHECK_GE(a, b) KT_CHECK_OP(>=, a, b)
