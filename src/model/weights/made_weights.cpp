#include "model/weights/made_weights.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/rng.h"

namespace kilotoken {
namespace {

constexpr size_t kAlignment = 64;

size_t stored_bytes(const TensorShape& tensor) { return static_cast<size_t>(bytes_of(tensor)); }

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// `count` stored numbers, one after another; number(i) gives them.
template <typename Number>
std::vector<std::byte> stored_numbers(DType dtype, size_t count, const Number& number) {
  std::vector<std::byte> out(count * size_of(dtype));
  for (size_t i = 0; i < count; ++i) store(out.data() + i * size_of(dtype), dtype, number(i));
  return out;
}

// Fills `to` with copies of `pattern`, going on from `position` of it.
void repeat(std::span<std::byte> to, std::span<const std::byte> pattern, size_t position) {
  while (!to.empty()) {
    const size_t some = std::min(to.size(), pattern.size() - position);
    std::memcpy(to.data(), pattern.data() + position, some);
    to = to.subspan(some);
    position = (position + some) % pattern.size();
  }
}

}  // namespace

int64_t bytes_of(const std::vector<TensorShape>& tensors) {
  int64_t total = 0;
  for (const TensorShape& tensor : tensors) total += bytes_of(tensor);
  return total;
}

Result<std::unique_ptr<MadeWeights>> MadeWeights::reserve(const std::vector<TensorShape>& tensors,
                                                          std::string where) {
  size_t total = 0;
  for (const TensorShape& tensor : tensors) total += aligned(stored_bytes(tensor));
  std::unique_ptr<MadeWeights> made(new MadeWeights());
  made->where_ = std::move(where);
  made->total_bytes_ = bytes_of(tensors);
  Result<Arena> arena = Arena::reserve(total);
  if (!arena.ok()) {
    Error error = arena.error();
    error.message = made->where_ + ": " + error.message;
    return error;
  }
  made->arena_ = std::move(arena).value();
  size_t at = 0;
  for (const TensorShape& tensor : tensors) {
    const std::byte* data = made->arena_.bytes().data() + at;
    const bool added =
        made->tensors_.emplace(tensor.name, Tensor(data, tensor.dtype, tensor.sizes)).second;
    KT_CHECK(added, "a checkpoint has one tensor of a name");
    at += aligned(stored_bytes(tensor));
  }
  return made;
}

std::span<std::byte> MadeWeights::bytes(const std::string& name) {
  const Tensor& tensor = tensors_.at(name);
  return arena_.bytes().subspan(static_cast<size_t>(tensor.data - arena_.bytes().data()),
                                tensor.bytes());
}

std::optional<Tensor> MadeWeights::find(std::string_view name) const {
  const auto at = tensors_.find(name);
  if (at == tensors_.end()) return std::nullopt;
  return at->second;
}

void MadeWeights::release(std::string_view name) const {
  const auto at = tensors_.find(name);
  if (at == tensors_.end()) return;
  drop_mapped({at->second.data, at->second.bytes()});
  tensors_.erase(at);
}

std::vector<std::string> MadeWeights::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  return names;
}

namespace {

// A prime, so that no two rows of a matrix are the same numbers.
constexpr size_t kPatternNumbers = 1'048'573;

std::vector<std::byte> dummy_pattern(DType dtype) {
  constexpr float kHalfWidth = 0.0346410f;  // of a uniform distribution with deviation 0.02
  return stored_numbers(dtype, kPatternNumbers, [](size_t i) {
    return kHalfWidth * static_cast<float>(2.0 * uniform_at(0, 0, i) - 1.0);
  });
}

class WeightsOnDemand final : public WeightSource {
 public:
  WeightsOnDemand(std::unique_ptr<MadeWeights> made, WriteTensor write)
      : made_(std::move(made)), write_(std::move(write)) {}

  std::optional<Tensor> find(std::string_view name) const override {
    const std::optional<Tensor> tensor = made_->find(name);
    if (tensor && !written_.contains(name)) {
      const std::string& added = *written_.emplace(name).first;
      write_(added, *tensor, made_->bytes(added));
    }
    return tensor;
  }
  std::vector<std::string> names() const override { return made_->names(); }
  std::vector<TensorShape> shapes() const override { return made_->shapes(); }
  int64_t file_bytes() const override { return made_->file_bytes(); }
  void release(std::string_view name) const override {
    const auto at = written_.find(name);
    if (at == written_.end()) return;
    drop_mapped(made_->bytes(*at));
    written_.erase(at);
  }
  std::string where() const override { return made_->where(); }

 private:
  std::unique_ptr<MadeWeights> made_;
  WriteTensor write_;
  mutable std::set<std::string, std::less<>> written_;
};

}  // namespace

Result<std::unique_ptr<WeightSource>> weights_on_demand(const std::vector<TensorShape>& tensors,
                                                        std::string where, WriteTensor write) {
  KT_TRY(auto made, MadeWeights::reserve(tensors, std::move(where)));
  return std::unique_ptr<WeightSource>(
      std::make_unique<WeightsOnDemand>(std::move(made), std::move(write)));
}

Result<std::unique_ptr<WeightSource>> make_dummy_weights(const std::vector<TensorShape>& tensors,
                                                         std::string where) {
  std::map<DType, std::vector<std::byte>> patterns;
  std::map<std::string, size_t> starts;  // of matrices, in the pattern
  size_t position = 0;
  for (const TensorShape& tensor : tensors) {
    if (tensor.sizes.size() == 1) continue;
    std::vector<std::byte>& pattern = patterns[tensor.dtype];
    if (pattern.empty()) pattern = dummy_pattern(tensor.dtype);
    const size_t size = size_of(tensor.dtype);
    position = position % pattern.size() / size * size;  // after another type, on a number
    starts[tensor.name] = position;
    position += stored_bytes(tensor);
  }
  const auto write = [patterns = std::move(patterns), starts = std::move(starts)](
                         const std::string& name, const Tensor& tensor, std::span<std::byte> to) {
    if (tensor.rank == 1) {
      repeat(to, stored_numbers(tensor.dtype, 1, [](size_t) { return 1.0f; }), 0);
    } else {
      repeat(to, patterns.at(tensor.dtype), starts.at(name));
    }
  };
  return weights_on_demand(tensors, std::move(where), write);
}

}  // namespace kilotoken
