#include "model/weights/weight_source.h"

#include "model/weights/printable.h"

namespace kilotoken {

std::optional<std::string> WeightSource::unsupported(std::string_view /*name*/) const {
  return std::nullopt;
}

std::optional<std::string> WeightSource::decoded(std::string_view /*name*/) const {
  return std::nullopt;
}

int64_t bytes_of(const TensorShape& tensor) {
  return static_cast<int64_t>(Tensor(nullptr, tensor.dtype, tensor.sizes).bytes());
}

std::vector<TensorShape> WeightSource::shapes() const {
  std::vector<TensorShape> shapes;
  for (const std::string& name : names()) {
    const std::optional<Tensor> tensor = find(name);
    if (!tensor) continue;
    const auto sizes = tensor->sizes.begin();
    shapes.push_back({name, {sizes, sizes + tensor->rank}, tensor->dtype});
  }
  return shapes;
}

void WeightSource::release(std::string_view /*name*/) const {}

std::string WeightSource::where() const { return "the checkpoint"; }

Result<Tensor> require_tensor(const WeightSource& source, std::string_view name) {
  if (auto tensor = source.find(name)) return *tensor;
  if (auto stored_as = source.unsupported(name)) {
    return Error{ErrorCode::kUnsupported,
                 source.where() + ": tensor " + printable(name) + " is stored as " + *stored_as +
                     ": not in this build yet; use a file of F32, F16, BF16, Q8_0, Q6_K "
                     "or Q4_0",
                 std::string(name)};
  }
  return Error{ErrorCode::kNotFound,
               source.where() + ": tensor " + printable(name) +
                   " is missing: the checkpoint is incomplete or of another architecture",
               std::string(name)};
}

}  // namespace kilotoken
