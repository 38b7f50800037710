#pragma once
// Writes safetensors files: random models for tests and benchmarks, converted weights.

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "compute/tensor/tensor.h"

namespace kilotoken {

// One file with these tensors in order of name; the header is padded so that the data begins at a
// multiple of 8 bytes.
Result<void> write_safetensors(const std::filesystem::path& path,
                               const std::map<std::string, Tensor>& tensors);

}  // namespace kilotoken
