#include "model/weights/gguf_reader.h"

#include <cmath>
#include <limits>

#include "model/weights/printable.h"

namespace kilotoken {
namespace {

constexpr int kMaxDepth = 4;                       // arrays in arrays
constexpr int64_t kMaxArrayElements = 16'000'000;  // all arrays together
constexpr uint64_t kMaxStringBytes = 64 << 20;

enum ValueType : uint32_t {
  kUInt8 = 0,
  kInt8 = 1,
  kUInt16 = 2,
  kInt16 = 3,
  kUInt32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUInt64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

template <typename T>
Result<GgufValue> widened(Result<T> number) {
  if (!number.ok()) return number.error();
  if constexpr (std::is_floating_point_v<T>) {
    return GgufValue{static_cast<double>(*number)};
  } else {
    if constexpr (std::is_same_v<T, uint64_t>) {
      if (*number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return GgufValue{*number};
      }
    }
    return GgufValue{static_cast<int64_t>(*number)};
  }
}

}  // namespace

Error GgufReader::truncated(std::string_view what) const {
  return invalid(where_ + ": the file ends at byte " + std::to_string(bytes_.size()) + " within " +
                 printable(what) + ": it is truncated, fetch it again");
}

Result<std::string> GgufReader::string(std::string_view what) {
  KT_TRY(const uint64_t length, number<uint64_t>(what));
  if (length > left()) return truncated(what);
  if (length > kMaxStringBytes) {
    return invalid(where_ + ": " + printable(what) + " is a string of " + std::to_string(length) +
                   " bytes: the file is damaged");
  }
  std::string text(reinterpret_cast<const char*>(bytes_.data() + at_), length);
  at_ += length;
  return text;
}

Result<GgufValue> GgufReader::array(std::string_view key, int depth) {
  KT_TRY(const uint32_t type, number<uint32_t>(key));
  KT_TRY(const uint64_t count, number<uint64_t>(key));
  if (depth >= kMaxDepth) {
    return invalid(where_ + ": " + printable(key) + " nests arrays over " +
                   std::to_string(kMaxDepth) + " deep: the file is damaged");
  }
  if (count > left()) return truncated(key);  // every element takes a byte or more
  array_elements_ += static_cast<int64_t>(count);
  if (array_elements_ > kMaxArrayElements) {
    return Error{ErrorCode::kTooLarge,
                 where_ + ": " + printable(key) + " brings the metadata arrays over " +
                     std::to_string(kMaxArrayElements) + " elements: the file is damaged",
                 std::string(key)};
  }
  GgufArray elements;
  for (uint64_t i = 0; i < count; ++i) {
    KT_TRY(GgufValue element, value(type, key, depth + 1));
    elements.push_back(std::move(element));
  }
  return GgufValue{std::move(elements)};
}

Result<GgufValue> GgufReader::value(uint32_t type, std::string_view key, int depth) {
  switch (type) {
    case kUInt8:
      return widened(number<uint8_t>(key));
    case kInt8:
      return widened(number<int8_t>(key));
    case kUInt16:
      return widened(number<uint16_t>(key));
    case kInt16:
      return widened(number<int16_t>(key));
    case kUInt32:
      return widened(number<uint32_t>(key));
    case kInt32:
      return widened(number<int32_t>(key));
    case kFloat32:
      return widened(number<float>(key));
    case kUInt64:
      return widened(number<uint64_t>(key));
    case kInt64:
      return widened(number<int64_t>(key));
    case kFloat64:
      return widened(number<double>(key));
    case kBool: {
      KT_TRY(const uint8_t byte, number<uint8_t>(key));
      return GgufValue{byte != 0};
    }
    case kString: {
      KT_TRY(std::string text, string(key));
      return GgufValue{std::move(text)};
    }
    case kArray:
      return array(key, depth);
    default:
      return invalid(where_ + ": " + printable(key) + " has value type " + std::to_string(type) +
                     ", which GGUF does not define: the file is damaged");
  }
}

}  // namespace kilotoken
