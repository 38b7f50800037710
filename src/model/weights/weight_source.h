#pragma once
// WeightSource: the named tensors of a checkpoint, as views into memory-mapped files. Nothing is
// copied or converted. Formats: safetensors (one file, or shards with an index) and GGUF v3.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compute/tensor/tensor.h"

namespace kilotoken {

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // The tensor, or nothing if the checkpoint has none of that name. Valid while the source lives.
  virtual std::optional<Tensor> find(std::string_view name) const = 0;
  // Why a tensor that the checkpoint does have cannot be used by this build ("Q4_0, a block format ...").
  virtual std::optional<std::string> unsupported(std::string_view name) const = 0;
  virtual std::vector<std::string> names() const = 0;  // sorted
  virtual int64_t file_bytes() const = 0;               // over all files
};

// A directory with model.safetensors or model.safetensors.index.json, or one .safetensors file.
// https://huggingface.co/docs/safetensors: 8-byte length, JSON header, data.
Result<std::unique_ptr<WeightSource>> open_safetensors(const std::filesystem::path& path);

}  // namespace kilotoken
