#pragma once
// Looking tensors up in a checkpoint, with their shapes checked.

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/weights/weight_source.h"

namespace kilotoken {

// The tensor, or an error if it is missing, unusable or of another shape; the message says which.
Result<Tensor> require_tensor(const WeightSource& weights, std::string_view name,
                              std::initializer_list<int64_t> shape);

}  // namespace kilotoken
