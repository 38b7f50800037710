#pragma once
// Reads the ends of every tensor, so that one outside its file is seen, and asks for it by name.

#include "model/weights/weight_source.h"

namespace kilotoken {

inline void touch_all(const WeightSource& source) {
  for (const std::string& name : source.names()) {
    const auto tensor = require_tensor(source, name);
    KT_CHECK(tensor.ok() || tensor.error().code == ErrorCode::kUnsupported,
             tensor.ok() ? "" : name);
    if (!tensor.ok() || tensor->elements() == 0) continue;
    [[maybe_unused]] const volatile float ends = tensor->at(0) + tensor->at(tensor->elements() - 1);
  }
}

}  // namespace kilotoken
