// The one table of architectures. A family is a file beside this one and a line here.

#include "model/families/llama.h"

namespace kilotoken {
namespace {

struct Architecture {
  std::string_view name;  // config.json architectures[0], or GGUF general.architecture
  TensorNames names;
  Result<std::unique_ptr<Model>> (*build)(const ModelConfig&, CheckpointReader&, TensorNames,
                                          const Kernels&);
};

constexpr Architecture kArchitectures[] = {
    {"LlamaForCausalLM", TensorNames::kHf, build_llama},
    {"MistralForCausalLM", TensorNames::kHf, build_llama},
    {"llama", TensorNames::kGguf, build_llama},
};

}  // namespace

Result<std::unique_ptr<Model>> build_model(const ModelConfig& config, const WeightSource& weights,
                                           const Kernels& kernels, ThreadPool& pool,
                                           const LoadOptions& options) {
  KT_TRY_VOID(
      check_weights_fit(loaded_bytes(weights, options, config.vocab_size), weights.where()));
  CheckpointReader reader(weights, kernels, pool, options);
  std::string known;
  for (const Architecture& row : kArchitectures) {
    if (row.name == config.architecture) return row.build(config, reader, row.names, kernels);
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return Error{ErrorCode::kUnsupported,
               "architecture \"" + config.architecture + "\" is not one of " + known,
               {}};
}

}  // namespace kilotoken
