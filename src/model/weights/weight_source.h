#pragma once
// WeightSource: the named tensors of a checkpoint, as views into memory-mapped files. Nothing is
// copied or converted, but for GGUF's blocks that no kernel reads. Formats: safetensors (one file,
// or shards with an index) and GGUF v3.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compute/tensor/tensor.h"

namespace kilotoken {

struct TensorShape {
  std::string name;
  std::vector<int64_t> sizes;  // slowest first
  DType dtype = DType::kBF16;
};

int64_t bytes_of(const TensorShape& tensor);  // as numbers of its type

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // The tensor, or nothing if the checkpoint has none of that name. Valid while the source lives.
  virtual std::optional<Tensor> find(std::string_view name) const = 0;
  virtual std::vector<std::string> names() const = 0;  // sorted
  virtual std::vector<TensorShape> shapes() const;     // of what find() would give for the names
  virtual int64_t file_bytes() const = 0;  // over all files, what decoded() names as float32

  // Set for a tensor that is there, but stored in a way that this build cannot compute with (find()
  // gives nothing for it): how it is stored, as "Q4_0" or "I64".
  virtual std::optional<std::string> unsupported(std::string_view name) const;
  // Set for a tensor that find() gives as float32 although it is stored as something else: "Q6_K".
  virtual std::optional<std::string> decoded(std::string_view name) const;
  // Says that the tensor's bytes are not needed any more: they take no memory from now on. A file's
  // are read again if looked at; those that existed in memory only are gone, and not found.
  virtual void release(std::string_view name) const;
  virtual std::string where() const;  // names the checkpoint in errors
};

// find(), or an error that says whether the tensor is missing (kNotFound) or of a type that this
// build cannot compute with (kUnsupported).
Result<Tensor> require_tensor(const WeightSource& source, std::string_view name);

// A directory with model.safetensors or model.safetensors.index.json, or one .safetensors file.
// https://huggingface.co/docs/safetensors: 8-byte length, JSON header, data.
Result<std::unique_ptr<WeightSource>> open_safetensors(const std::filesystem::path& path);

// One file's bytes, for the fuzz target; `where` names them in errors. They must outlive the
// result.
Result<std::unique_ptr<WeightSource>> parse_safetensors(std::span<const std::byte> bytes,
                                                        std::string_view where);

}  // namespace kilotoken
