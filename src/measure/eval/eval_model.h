#pragma once
// EvalModel: a model to be measured, from its files, with its numbers as they are stored or rounded
// as another format would store them.

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "measure/eval/rounding.h"
#include "model/families/model.h"
#include "serve/load/model_files.h"

namespace kilotoken {

struct EvalModel {
  ModelFiles files;
  std::unique_ptr<WeightSource> rounded;   // null without rounding
  std::unique_ptr<const Kernels> kernels;  // the model refers to it
  std::unique_ptr<Model> model;

  // `name` as for serving; `isa` forces a kernel table. The threads of `pool` are to compute it.
  static Result<EvalModel> open(const std::string& name, Rounding rounding, std::string_view isa,
                                ThreadPool& pool, const LoadOptions& load = {});

  // Token before a text that stands alone: BOS, or the end token where the model has none. The end
  // token of a text. Both are errors where the model's files name none.
  Result<int32_t> begin_token() const;
  Result<int32_t> end_token() const;
};

}  // namespace kilotoken
