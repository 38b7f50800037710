#pragma once
// Reads one message in protobuf's wire format field by field, bounded by the bytes given
// (https://protobuf.dev/programming-guides/encoding/). Groups, which proto2 gave up, are refused.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kilotoken {

class ProtobufReader {
 public:
  // `where` begins the message of an error, which names the byte counted from the file's beginning;
  // `offset` is where `bytes` begin in the file.
  ProtobufReader(std::string_view bytes, std::string where, size_t offset = 0)
      : bytes_(bytes), where_(std::move(where)), offset_(offset) {}

  // Goes to the next field; false at the end. kInvalid: the message is cut off or damaged.
  Result<bool> next();
  uint32_t field() const { return field_; }

  // What the field holds; kInvalid when it is of another kind.
  Result<uint64_t> number() const;
  Result<bool> boolean() const;
  Result<float> real() const;
  Result<std::string_view> bytes() const;
  Result<ProtobufReader> message() const;

  Error damaged(const std::string& what) const;  // at the field

 private:
  enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  Result<uint64_t> varint();
  Result<std::string_view> take(uint64_t count);
  Result<void> must_be(Wire wire, const char* what) const;

  std::string_view bytes_;
  std::string where_;
  size_t offset_;
  size_t at_ = 0;
  size_t field_at_ = 0;
  uint32_t field_ = 0;
  uint32_t wire_ = kVarint;
  uint64_t number_ = 0;
  std::string_view value_;
};

}  // namespace kilotoken
