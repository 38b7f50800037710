#pragma once
// GGUF v3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): the whole metadata, and the
// tensors of types F32, F16, BF16, Q8_0 and Q4_0 as views; of Q6_K as float32, decoded when they
// are first looked for. GGUF lists sizes fastest first; a Tensor slowest first.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/weights/weight_source.h"

namespace kilotoken {

struct GgufValue;
using GgufArray = std::vector<GgufValue>;
struct GgufValue {
  // All integer types are widened to int64 (uint64 when it does not fit), floats to double.
  std::variant<int64_t, uint64_t, double, bool, std::string, GgufArray> value;
};

class GgufFile : public WeightSource {
 public:
  using Metadata = std::map<std::string, GgufValue, std::less<>>;
  virtual const Metadata& metadata() const = 0;
};

Result<std::unique_ptr<GgufFile>> open_gguf(const std::filesystem::path& path);

// From bytes, for the fuzz target; `where` names them in errors. The bytes must outlive the result.
Result<std::unique_ptr<GgufFile>> parse_gguf(std::span<const std::byte> bytes,
                                             std::string_view where);

}  // namespace kilotoken
