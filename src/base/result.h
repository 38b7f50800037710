#pragma once
// Result<T>: a value or an Error, for everything that can fail in operation (bad file, bad request,
// full, peer gone). Programmer errors use base/check.h instead.

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace kilotoken {

enum class ErrorCode {
  kInvalid,      // the input is wrong; the message says what, where and what to do
  kNotFound,     // no such file, model, route
  kTooLarge,     // over a stated limit
  kUnsupported,  // well-formed, but not something this build can do
  kFull,         // no room now, may succeed later
  kUnavailable,  // going away: draining, stopped
  kIo,           // the operating system said no
  kInternal,     // our own fault
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // one line: what, where, what to do
  std::string field;    // the request field or file key at fault, if one is
};

inline Error invalid(std::string message, std::string field = {}) {
  return {ErrorCode::kInvalid, std::move(message), std::move(field)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    KT_CHECK(ok(), error().message);
    return std::get<0>(state_);
  }
  const T& value() const& {
    KT_CHECK(ok(), error().message);
    return std::get<0>(state_);
  }
  T&& value() && {
    KT_CHECK(ok(), error().message);
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}  // NOLINT

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return error_; }

 private:
  bool failed_ = false;
  Error error_;
};

}  // namespace kilotoken

// Evaluates an expression of type Result<T>; returns its error from the function, or names its
// value.
#define KT_CONCAT_INNER(a, b) a##b
#define KT_CONCAT(a, b) KT_CONCAT_INNER(a, b)
#define KT_TRY_NAMED(result, lhs, expression) \
  auto result = (expression);                 \
  if (!result.ok()) return result.error();    \
  lhs = std::move(result).value()
#define KT_TRY(lhs, expression) KT_TRY_NAMED(KT_CONCAT(kt_result_, __LINE__), lhs, expression)
#define KT_TRY_VOID(expression)                                                   \
  do {                                                                            \
    if (auto kt_result = (expression); !kt_result.ok()) return kt_result.error(); \
  } while (false)
