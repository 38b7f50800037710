#include "model/blocks/checkpoint.h"

#include "base/files.h"

namespace kilotoken {
namespace {

std::optional<WeightFormat> wanted_format(WeightFormat quantization, MatrixUse use) {
  const bool blocks = quantization == WeightFormat::kQ8_0 || quantization == WeightFormat::kQ4_0;
  if (use == MatrixUse::kLinear || (blocks && use == MatrixUse::kEmbedding)) return quantization;
  if (blocks) return WeightFormat::kQ8_0;
  return std::nullopt;
}

int64_t quantised_bytes(const TensorShape& matrix, const FormatRow& row) {
  const int64_t out = matrix.sizes[0], in = matrix.sizes[1];
  const int64_t groups = row.group == 0 ? 1 : in / row.group;
  return out * (in * row.code_bits / 8 + groups * (row.half_scales ? 2 : 4));
}

}  // namespace

Result<LoadOptions> quantised_load(std::string_view quantization, std::string_view activations) {
  LoadOptions options;
  if (!quantization.empty()) {
    options.quantization = format_named(quantization);
    if (!options.quantization || row_of(*options.quantization).plain()) {
      return invalid("--quantization " + std::string(quantization) +
                     ": choose int8, int4, q8_0 or q4_0");
    }
  }
  if (activations == "auto") return options;
  if (activations != "bfloat16" && activations != "int8") {
    return invalid("--activations " + std::string(activations) + ": choose auto, bfloat16 or int8");
  }
  if (options.quantization != WeightFormat::kInt4) {
    return invalid("--activations " + std::string(activations) +
                   " is a choice with --quantization int4 only: other formats have one kind");
  }
  options.int8_activations = activations == "int8";
  return options;
}

int64_t loaded_bytes(const WeightSource& weights, const LoadOptions& options, int64_t vocab) {
  if (!options.quantization) return weights.file_bytes();
  int64_t total = 0;
  for (const TensorShape& tensor : weights.shapes()) {
    const MatrixUse use = tensor.sizes.front() == vocab ? MatrixUse::kHead : MatrixUse::kLinear;
    const auto wanted = wanted_format(*options.quantization, use);
    const bool quantised =
        tensor.sizes.size() == 2 && wanted && row_of(*wanted).fits(tensor.sizes[1]);
    total += quantised ? quantised_bytes(tensor, row_of(*wanted)) : bytes_of(tensor);
  }
  return total;
}

Result<void> check_weights_fit(int64_t bytes, const std::string& what) {
  const int64_t available = available_memory_bytes();
  if (bytes <= available) return {};
  return Error{ErrorCode::kTooLarge,
               what + ": the weights take " + mebibytes_text(bytes) + ", only " +
                   mebibytes_text(available) +
                   " of memory are free (the container's limit counts): free some, take a smaller "
                   "model, or one that --quantization makes smaller",
               {}};
}

std::vector<std::string> LoadReport::exceptions(std::string_view quantization) const {
  std::vector<std::string> out;
  if (decoded > 0) {
    out.push_back("decoded to float32, since no kernel reads such blocks: " + first_decoded +
                  (decoded > 1 ? " and " + std::to_string(decoded - 1) + " more" : ""));
  }
  if (kept > 0) {
    out.push_back(std::to_string(kept) +
                  " matrices are used as they are stored, the first of them " + first_kept + ": " +
                  std::string(quantization) + " does not divide their width");
  }
  return out;
}

Error CheckpointReader::named(std::string_view name, Error error) const {
  error.message = weights_.where() + ": tensor " + std::string(name) + ": " + error.message;
  return error;
}

void CheckpointReader::note(const Tensor& stored, size_t bytes) {
  report_.bytes += static_cast<int64_t>(bytes);
  if (options_.read) options_.read(static_cast<int64_t>(stored.bytes()));
}

Result<Tensor> CheckpointReader::find(std::string_view name, std::initializer_list<int64_t> shape) {
  KT_TRY(const Tensor found, require_tensor(weights_, name));
  const Tensor expected(found.data, found.dtype, shape);
  if (found.rank != expected.rank || found.sizes != expected.sizes) {
    return invalid(weights_.where() + ": tensor " + std::string(name) + " has shape " +
                   shape_text(found) + ", the configuration asks for " + shape_text(expected) +
                   ": weights and configuration are not of one model");
  }
  if (const auto stored_as = weights_.decoded(name); stored_as && report_.decoded++ == 0) {
    report_.first_decoded = std::string(name) + ", " + *stored_as;
  }
  return found;
}

Result<WeightFormat> CheckpointReader::format_for(const Tensor& stored, std::string_view name,
                                                  MatrixUse use) {
  const WeightFormat own = format_of(stored.dtype);
  if (!options_.quantization) return own;
  const std::string blocks = is_blocks(stored.dtype) ? std::string(name_of(stored.dtype))
                                                     : weights_.decoded(name).value_or("");
  if (!blocks.empty()) {
    return invalid("it is stored as " + blocks + ": a file with " +
                   "quantised weights is used as it is, without --quantization");
  }
  const std::optional<WeightFormat> wanted = wanted_format(*options_.quantization, use);
  if (!wanted) return own;
  if (row_of(*wanted).fits(stored.size(1))) return *wanted;
  if (report_.kept++ == 0) {
    report_.first_kept = std::string(name) + " " + shape_text(stored);
  }
  return own;
}

Result<DType> CheckpointReader::dtype_of(std::string_view name) const {
  KT_TRY(const Tensor found, require_tensor(weights_, name));
  return found.dtype;
}

Result<Tensor> CheckpointReader::numbers(std::string_view name,
                                         std::initializer_list<int64_t> shape) {
  KT_TRY(const Tensor found, find(name, shape));
  if (is_blocks(found.dtype)) {
    return named(name, Error{ErrorCode::kUnsupported,
                             "it is stored as " + std::string(name_of(found.dtype)) +
                                 ": use a file that has it as F32, F16 or BF16",
                             {}});
  }
  if (const Result<void> finite = check_finite(found, pool_); !finite.ok()) {
    return named(name, finite.error());
  }
  note(found, found.bytes());
  return found;
}

Result<Weight> CheckpointReader::matrix(std::string_view name, std::initializer_list<int64_t> shape,
                                        MatrixUse use) {
  KT_TRY(const Tensor found, find(name, shape));
  const Result<WeightFormat> format = format_for(found, name, use);
  if (!format.ok()) return named(name, format.error());
  const bool read_by_rows_only = use == MatrixUse::kEmbedding;
  if (row_of(*format).plain() &&
      (*format != WeightFormat::kBF16 || !kernels_.packs_bf16 || read_by_rows_only)) {
    if (const Result<void> finite = check_finite(found, pool_); !finite.ok()) {
      return named(name, finite.error());
    }
    note(found, found.bytes());
    return Weight::view(found);
  }
  Result<Weight> packed = Weight::pack(found, *format, options_.int8_activations, pool_);
  if (!packed.ok()) return named(name, packed.error());
  note(found, packed->bytes());
  weights_.release(name);
  return packed;
}

}  // namespace kilotoken
