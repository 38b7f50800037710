#pragma once
// Taking tensors from a checkpoint: shapes and numbers checked, matrices brought into the form that
// the kernels read.

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compute/kernels/kernels.h"
#include "model/weights/weight_source.h"

namespace kilotoken {

// What a matrix is for. With INT8 and INT4 weights embedding and head stay as they are stored, as
// such checkpoints have it; with Q8_0 and Q4_0 they are quantised too, the head never below Q8_0,
// as llama.cpp has it. An embedding that is the head as well (tied) counts as head: one copy of it
// serves both.
enum class MatrixUse { kLinear, kEmbedding, kHead };

struct LoadOptions {
  std::optional<WeightFormat> quantization;  // none: as stored
  bool int8_activations = false;             // with INT4 weights, faster and less exact
  std::function<void(int64_t bytes)> read;   // called with the stored bytes of each tensor read
};

// From the words of --quantization (empty: as stored) and --activations (auto, bfloat16, int8).
Result<LoadOptions> quantised_load(std::string_view quantization, std::string_view activations);

// What weights that are loaded so will take of memory; `vocab` tells embedding and head from the
// other matrices.
int64_t loaded_bytes(const WeightSource& weights, const LoadOptions& options, int64_t vocab);

// kTooLarge when `bytes` of weights are more than the memory left; `what` names them.
Result<void> check_weights_fit(int64_t bytes, const std::string& what);

struct LoadReport {
  int64_t bytes = 0;       // of all weights as they lie in memory
  int kept = 0;            // matrices whose width the format does not divide: kept as stored
  std::string first_kept;  // with its shape
  int decoded = 0;  // tensors stored as blocks that no kernel reads: computed with as float32
  std::string first_decoded;

  // What is not as the file, or --quantization (`quantization`), has it: a sentence each.
  std::vector<std::string> exceptions(std::string_view quantization) const;
};

class CheckpointReader {
 public:
  CheckpointReader(const WeightSource& weights, const Kernels& kernels, ThreadPool& pool,
                   const LoadOptions& options)
      : weights_(weights), kernels_(kernels), pool_(pool), options_(options) {}

  // The tensor, or an error if it is missing, unusable or of another shape, or holds NaN or
  // infinity; the message says which.
  Result<Tensor> numbers(std::string_view name, std::initializer_list<int64_t> shape);
  Result<Weight> matrix(std::string_view name, std::initializer_list<int64_t> shape,
                        MatrixUse use = MatrixUse::kLinear);

  Result<DType> dtype_of(std::string_view name) const;  // as stored

  const LoadReport& report() const { return report_; }

 private:
  // The tensor of that name and shape.
  Result<Tensor> find(std::string_view name, std::initializer_list<int64_t> shape);
  Result<WeightFormat> format_for(const Tensor& stored, std::string_view name, MatrixUse use);
  Error named(std::string_view name, Error error) const;
  void note(const Tensor& stored, size_t bytes);

  const WeightSource& weights_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  const LoadOptions& options_;
  LoadReport report_;
};

}  // namespace kilotoken
