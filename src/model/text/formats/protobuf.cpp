#include "model/text/formats/protobuf.h"

#include <bit>

namespace kilotoken {

Error ProtobufReader::damaged(const std::string& what) const {
  return invalid(where_ + ": byte " + std::to_string(offset_ + field_at_) + ": " + what +
                 ": the file is damaged or no such model, fetch it again");
}

Result<uint64_t> ProtobufReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && at_ < bytes_.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes_[at_++]);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return damaged("a number does not end");
}

Result<std::string_view> ProtobufReader::take(uint64_t count) {
  if (count > bytes_.size() - at_) {
    return damaged("field " + std::to_string(field_) + " takes " + std::to_string(count) +
                   " bytes, " + std::to_string(bytes_.size() - at_) + " are left");
  }
  const std::string_view taken = bytes_.substr(at_, static_cast<size_t>(count));
  at_ += taken.size();
  return taken;
}

Result<bool> ProtobufReader::next() {
  if (at_ == bytes_.size()) return false;
  field_at_ = at_;
  KT_TRY(const uint64_t tag, varint());
  if (tag >> 3 == 0 || tag >> 32 != 0) return damaged("no field has this number");
  field_ = static_cast<uint32_t>(tag >> 3);
  wire_ = static_cast<uint32_t>(tag & 7);
  switch (wire_) {
    case kVarint: {
      KT_TRY(number_, varint());
      return true;
    }
    case kBytes: {
      KT_TRY(const uint64_t count, varint());
      KT_TRY(value_, take(count));
      return true;
    }
    case kFixed32:
    case kFixed64: {
      KT_TRY(value_, take(wire_ == kFixed32 ? 4 : 8));
      return true;
    }
    default:
      return damaged("field " + std::to_string(field_) + " is of kind " + std::to_string(wire_) +
                     ", which is not taken");
  }
}

Result<void> ProtobufReader::must_be(Wire wire, const char* what) const {
  if (wire_ == wire) return {};
  return damaged("field " + std::to_string(field_) + " is not " + what);
}

Result<uint64_t> ProtobufReader::number() const {
  KT_TRY_VOID(must_be(kVarint, "a whole number"));
  return number_;
}

Result<bool> ProtobufReader::boolean() const {
  KT_TRY_VOID(must_be(kVarint, "true or false"));
  return number_ != 0;
}

Result<float> ProtobufReader::real() const {
  KT_TRY_VOID(must_be(kFixed32, "a real number"));
  uint32_t bits = 0;  // little-endian on every machine
  for (size_t i = 4; i-- > 0;) bits = bits << 8 | static_cast<uint8_t>(value_[i]);
  return std::bit_cast<float>(bits);
}

Result<std::string_view> ProtobufReader::bytes() const {
  KT_TRY_VOID(must_be(kBytes, "a text"));
  return value_;
}

Result<ProtobufReader> ProtobufReader::message() const {
  KT_TRY(const std::string_view inner, bytes());
  return ProtobufReader(inner, where_, offset_ + static_cast<size_t>(inner.data() - bytes_.data()));
}

}  // namespace kilotoken
