#pragma once
// Models for tests: from files, or random ones made in memory.

#include <memory>
#include <string>

#include "model/families/model.h"
#include "model/weights/made_weights.h"
#include "serve/load/model_files.h"

namespace kilotoken::test {

// A copy that a test may change.
std::unique_ptr<MadeWeights> copy_of(const WeightSource& source);

struct TestModel {
  std::string name;
  ModelFiles files;
  std::unique_ptr<Model> model;
};

// KT_CHECKs on failure: the files are known to be good.
TestModel load_test_model(const std::string& name, const std::string& path, const Kernels& kernels,
                          const LoadOptions& options = {});

// Two Llama layers, heads of 64, vocabulary 512, context 4,096, bfloat16, seeded. Wide: d 1024, ffn
// 2816, 16 heads on 4 KV heads. Small: d 256, ffn 512, 4 heads on 2, as the demo model's layers.
TestModel random_wide_model(const Kernels& kernels, const LoadOptions& options = {});
TestModel random_small_model(const Kernels& kernels, const LoadOptions& options = {});

}  // namespace kilotoken::test
