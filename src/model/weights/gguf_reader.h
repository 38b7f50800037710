#pragma once
// Reads the head of a GGUF file: numbers, strings and metadata values, each checked against the
// end.

#include <cstring>
#include <span>
#include <string>

#include "model/weights/gguf.h"

namespace kilotoken {

class GgufReader {
 public:
  GgufReader(std::span<const std::byte> bytes, std::string where)
      : bytes_(bytes), where_(std::move(where)) {}

  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  const std::string& where() const { return where_; }

  // `what` names the thing being read, for the error.
  template <typename T>
  Result<T> number(std::string_view what) {
    T value{};
    if (left() < sizeof value) return truncated(what);
    std::memcpy(&value, bytes_.data() + at_, sizeof value);  // little-endian, as the machine is
    at_ += sizeof value;
    return value;
  }
  Result<std::string> string(std::string_view what);
  Result<GgufValue> value(uint32_t type, std::string_view key, int depth = 0);

  Error truncated(std::string_view what) const;

 private:
  Result<GgufValue> array(std::string_view key, int depth);

  std::span<const std::byte> bytes_;
  std::string where_;
  size_t at_ = 0;
  int64_t array_elements_ = 0;  // over all arrays, so that a small file cannot fill the memory
};

}  // namespace kilotoken
