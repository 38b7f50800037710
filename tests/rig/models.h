#pragma once
// Models for tests: from files, or random ones made in memory.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compute/tensor/tensor.h"
#include "model/families/model.h"
#include "serve/load/model_files.h"

namespace kilotoken::test {

// Named tensors in memory; tests change them at will.
class MemoryWeights final : public WeightSource {
 public:
  std::optional<Tensor> find(std::string_view name) const override;
  std::vector<std::string> names() const override;
  int64_t file_bytes() const override;

  void add(const std::string& name, DType dtype, std::vector<int64_t> shape,
           std::vector<std::byte> bytes);
  std::byte* bytes(const std::string& name) { return tensors_.at(name).bytes.data(); }

  // A copy of another source's tensors.
  static MemoryWeights copy_of(const WeightSource& source);

 private:
  struct Stored {
    DType dtype;
    std::vector<int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Stored, std::less<>> tensors_;
};

struct TestModel {
  std::string name;
  ModelFiles files;  // without weights for a random model
  MemoryWeights memory;
  std::unique_ptr<Model> model;
};

// KT_CHECKs on failure: the files are known to be good.
TestModel load_test_model(const std::string& name, const std::string& path, const Kernels& kernels);

// Two Llama layers, d 1024, ffn 2816, 16 heads of 64 on 4 KV heads, vocabulary 512, context 4,096,
// bfloat16, seeded.
TestModel random_wide_model(const Kernels& kernels);

}  // namespace kilotoken::test
