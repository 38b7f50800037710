#pragma once
// MadeWeights: a checkpoint that exists in memory only: dummy weights of a shape, or another
// checkpoint's weights rearranged.

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compute/tensor/arena.h"
#include "model/weights/weight_source.h"

namespace kilotoken {

int64_t bytes_of(const std::vector<TensorShape>& tensors);

class MadeWeights final : public WeightSource {
 public:
  // All numbers are 0 until they are written, and take memory from then on. `where` names the
  // checkpoint in errors. kFull when the address space is.
  static Result<std::unique_ptr<MadeWeights>> reserve(const std::vector<TensorShape>& tensors,
                                                      std::string where);

  std::span<std::byte> bytes(const std::string& name);  // of a tensor that is there

  std::optional<Tensor> find(std::string_view name) const override;
  std::vector<std::string> names() const override;
  int64_t file_bytes() const override { return total_bytes_; }
  void release(std::string_view name) const override;
  std::string where() const override { return where_; }

 private:
  MadeWeights() = default;

  std::string where_;
  Arena arena_;
  mutable std::map<std::string, Tensor, std::less<>> tensors_;  // those not released
  int64_t total_bytes_ = 0;
};

// Writes all numbers of a tensor.
using WriteTensor =
    std::function<void(const std::string& name, const Tensor& tensor, std::span<std::byte> to)>;

// Weights that are written when they are looked for, and again after they were released: a model
// whose matrices are packed one after the other never lies in memory as a whole.
Result<std::unique_ptr<WeightSource>> weights_on_demand(const std::vector<TensorShape>& tensors,
                                                        std::string where, WriteTensor write);

// On demand: random numbers of the size that a freshly initialised model has (uniform, standard
// deviation 0.02), and ones for tensors of one dimension (norms): the cost of the real thing,
// without what it knows. The same on every machine.
Result<std::unique_ptr<WeightSource>> make_dummy_weights(const std::vector<TensorShape>& tensors,
                                                         std::string where);

}  // namespace kilotoken
