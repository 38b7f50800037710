#include "measure/eval/eval_model.h"

namespace kilotoken {
namespace {

Result<int32_t> within(const ModelFiles& files, int32_t token, const char* what) {
  if (token >= 0 && token < files.config.vocab_size) return token;
  return invalid(files.path.string() + ": the " + what + " token " + std::to_string(token) +
                 " is outside the vocabulary of " + std::to_string(files.config.vocab_size));
}

}  // namespace

Result<EvalModel> EvalModel::open(const std::string& name, Rounding rounding, std::string_view isa,
                                  ThreadPool& pool, const LoadOptions& load) {
  EvalModel out;
  KT_TRY(const Kernels* table, select_kernels(isa));
  KT_TRY(out.files, open_model_files(name));
  const ModelFiles& files = out.files;
  KT_TRY_VOID(check_tokenizer_fits(files));
  out.kernels = std::make_unique<const Kernels>(rounded_kernels(*table, rounding));
  if (rounding != Rounding::kNone) {
    // The copy stays beside the file's.
    KT_TRY_VOID(check_weights_fit(2 * files.weights->file_bytes(), files.path.string()));
    KT_TRY(out.rounded, rounded_weights(*files.weights, rounding));
  }
  const WeightSource& weights = out.rounded ? *out.rounded : *files.weights;
  KT_TRY(out.model, build_model(files.config, weights, *out.kernels, pool, load));
  return out;
}

Result<int32_t> EvalModel::begin_token() const {
  if (files.defaults.bos_token_id) return within(files, *files.defaults.bos_token_id, "BOS");
  if (!files.defaults.eos_token_ids.empty()) return end_token();
  return invalid(files.path.string() +
                 ": neither bos_token_id nor eos_token_id is in config.json or "
                 "generation_config.json: a text needs a token to begin with");
}

Result<int32_t> EvalModel::end_token() const {
  if (files.defaults.eos_token_ids.empty()) {
    return invalid(files.path.string() +
                   ": no eos_token_id in config.json or generation_config.json: the end of a text "
                   "cannot be scored");
  }
  return within(files, files.defaults.eos_token_ids.front(), "end");
}

}  // namespace kilotoken
