#include "model/blocks/checkpoint.h"

namespace kilotoken {

Result<Tensor> require_tensor(const WeightSource& weights, std::string_view name,
                              std::initializer_list<int64_t> shape) {
  const std::string quoted = "tensor \"" + std::string(name) + "\"";
  const auto found = weights.find(name);
  if (!found) {
    if (auto reason = weights.unsupported(name)) {
      return Error{ErrorCode::kUnsupported, quoted + " is " + *reason, {}};
    }
    return invalid(quoted + " is missing from the checkpoint: it is incomplete, fetch it again");
  }
  const Tensor expected(found->data, found->dtype, shape);
  if (found->rank != expected.rank || found->sizes != expected.sizes) {
    return invalid(quoted + " has shape " + shape_text(*found) + ", the configuration asks for " +
                   shape_text(expected) + ": weights and configuration are not of one model");
  }
  return *found;
}

}  // namespace kilotoken
