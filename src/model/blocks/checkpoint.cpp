#include "model/blocks/checkpoint.h"

namespace kilotoken {

Result<Tensor> require_tensor(const WeightSource& weights, std::string_view name,
                              std::initializer_list<int64_t> shape) {
  KT_TRY(const Tensor found, require_tensor(weights, name));
  const Tensor expected(found.data, found.dtype, shape);
  if (found.rank != expected.rank || found.sizes != expected.sizes) {
    return invalid(weights.where() + ": tensor " + std::string(name) + " has shape " +
                   shape_text(found) + ", the configuration asks for " + shape_text(expected) +
                   ": weights and configuration are not of one model");
  }
  return found;
}

}  // namespace kilotoken
