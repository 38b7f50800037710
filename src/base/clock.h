#pragma once
// Time is passed in: production reads the steady clock, tests and simulations turn their own.

#include <cstdint>

namespace kilotoken {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t now_ns() const = 0;  // monotonic, from an arbitrary origin
  virtual int64_t unix_s() const = 0;  // wall time, seconds since 1970
};

class SystemClock final : public Clock {
 public:
  int64_t now_ns() const override;
  int64_t unix_s() const override;
};

class ManualClock final : public Clock {
 public:
  int64_t now_ns() const override { return now_ns_; }
  int64_t unix_s() const override { return now_ns_ / 1'000'000'000; }
  void advance_ns(int64_t ns) { now_ns_ += ns; }

 private:
  int64_t now_ns_ = 0;
};

}  // namespace kilotoken
