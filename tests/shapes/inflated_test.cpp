// Models without weights of their own: an inflated model says what the small one says, in the shape
// of the large one; a dummy one runs.

#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "model/config/published_shapes.h"
#include "model/families/llama.h"
#include "model/families/llama_inflated.h"
#include "rig/models.h"
#include "rig/rig.h"

namespace kilotoken::test {
namespace {

// A table that multiplies rows as they are: where rows are rounded to BF16, the last bits that an
// inexact factor changes decide roundings.
const Kernels& kernels() {
  const auto avx2 = select_kernels("avx2");
  return avx2.ok() ? **avx2 : reference_kernels();
}

ChoiceOutput continued(const Model& model, const Tokenizer& tokenizer, int tokens) {
  Request request;
  request.id = 1;
  request.prompt = tokenizer.encode("Once upon a time, there was a", true).value();
  request.sampling.temperature = 0;
  request.sampling.max_tokens = tokens;
  request.sampling.ignore_eos = true;
  request.sampling.logprobs = 0;
  request.sampling.prompt_logprobs = 0;
  RigOptions options;
  options.kv_dtype = DType::kF32;
  EngineRig rig(model, &tokenizer, options);
  rig.add(request);
  rig.run();
  return rig.output(1, 0);
}

std::unique_ptr<WeightSource> demo_weights() {
  return std::move(open_model_files("demo").value().weights);
}

struct Widths {
  const char* what;
  int hidden, heads, kv_heads, head_dim, intermediate, more_layers;
};

// As multiples of the model's own; heads by KV heads.
class Inflated : public testing::TestWithParam<Widths> {};

TEST_P(Inflated, SaysWhatTheSmallModelSays) {
  const TestModel small = load_test_model("demo", "demo", kernels());
  const ModelConfig& from = small.files.config;
  const Widths& times = GetParam();
  ModelConfig shape = from;
  shape.hidden_size *= times.hidden;
  shape.heads *= times.heads;
  shape.kv_heads *= times.kv_heads;
  shape.head_dim *= times.head_dim;
  shape.intermediate_size *= times.intermediate;
  shape.layers += times.more_layers;
  const InflatedModel large = inflate_llama(from, demo_weights(), shape).value();
  EXPECT_GE(large.config.layers, from.layers);
  ThreadPool pool(2);
  const auto model = build_model(large.config, *large.weights, kernels(), pool).value();
  const Tokenizer& tokenizer = *small.files.tokenizer;
  const ChoiceOutput expected = continued(*small.model, tokenizer, 60);
  const ChoiceOutput found = continued(*model, tokenizer, 60);
  EXPECT_EQ(found.text, expected.text);
  EXPECT_EQ(found.tokens, expected.tokens);
  ASSERT_EQ(found.logprobs.size(), 60u);
  ASSERT_EQ(found.prompt_logprobs.size(), expected.prompt_logprobs.size());
  double worst = 0;
  for (size_t i = 0; i < found.logprobs.size(); ++i) {
    worst = std::max(
        worst, std::fabs(double(found.logprobs[i].logprob) - double(expected.logprobs[i].logprob)));
  }
  for (size_t i = 0; i < found.prompt_logprobs.size(); ++i) {
    worst = std::max(worst, std::fabs(double(found.prompt_logprobs[i].logprob) -
                                      double(expected.prompt_logprobs[i].logprob)));
  }
  EXPECT_LT(worst, 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Inflated,
                         testing::Values(Widths{"exact", 4, 4, 2, 1, 4, 2},
                                         Widths{"inexact_norms", 3, 1, 1, 1, 2, 0},
                                         Widths{"larger_heads", 2, 2, 2, 2, 1, 1},
                                         Widths{"heads_four_times", 4, 1, 1, 4, 1, 0}),
                         [](const auto& one) { return std::string(one.param.what); });

TEST(Inflation, AddsLayersForTheHeadThatIsMissing) {
  const TestModel small = load_test_model("demo", "demo", kernels());
  const ModelConfig shape = published_shape("llama-3.2-1b").value();
  const auto inflated = inflate_llama(small.files.config, demo_weights(), shape).value();
  const int64_t made = inflated.weights->file_bytes();
  const int64_t published = bytes_of(llama_tensors(shape));
  EXPECT_LT(std::abs(double(made) / double(published) - 1), 0.03) << made << " of " << published;
}

// Resident, not only reserved: the zeros that inflation adds are written, so that a step reads as
// much memory as with the numbers of a dummy.
TEST(Inflation, TakesAsMuchMemoryAsADummyOfTheShape) {
  const TestModel small = load_test_model("demo", "demo", kernels());
  ModelConfig shape = small.files.config;
  shape.hidden_size *= 4;
  shape.heads *= 4;
  shape.kv_heads *= 4;
  shape.intermediate_size *= 4;
  shape.layers += 2;
  const auto taken = [](const auto& make) {
    const int64_t before = resident_bytes();
    const auto made = make();
    return double(resident_bytes() - before);
  };
  const auto found = [](std::unique_ptr<WeightSource> weights) {
    for (const std::string& name : weights->names()) weights->find(name);  // makes the numbers
    return weights;
  };
  const double dummy =
      taken([&] { return found(make_dummy_weights(llama_tensors(shape), "dummy").value()); });
  const double inflated = taken([&] {
    return found(inflate_llama(small.files.config, demo_weights(), shape).value().weights);
  });
  EXPECT_GT(dummy, 0.9 * double(bytes_of(llama_tensors(shape))));
  EXPECT_LT(std::abs(inflated / dummy - 1), 0.1) << inflated << " of " << dummy;
}

// Packed one after the other, the matrices never lie in memory together.
TEST(Inflation, WhatIsReleasedTakesNoMemory) {
  const TestModel small = load_test_model("demo", "demo", kernels());
  ModelConfig shape = small.files.config;
  shape.hidden_size *= 4;
  shape.intermediate_size *= 4;
  const auto large = inflate_llama(small.files.config, demo_weights(), shape).value();
  const int64_t before = resident_bytes();
  for (const std::string& name : large.weights->names()) {
    large.weights->find(name);
    large.weights->release(name);
    // One matrix, and the small model's file.
    EXPECT_LT(resident_bytes() - before, large.weights->file_bytes() / 4) << name;
  }
}

TEST(Inflation, RefusesWhatIsSmallerWithTheNumbers) {
  const TestModel small = load_test_model("demo", "demo", kernels());
  const ModelConfig& from = small.files.config;
  const auto refusal = [&](const ModelConfig& shape) {
    const auto result = inflate_llama(from, demo_weights(), shape);
    return result.ok() ? "" : result.error().message;
  };
  ModelConfig shape = from;
  shape.hidden_size = from.hidden_size / 2;
  EXPECT_NE(refusal(shape).find("hidden size is " + std::to_string(shape.hidden_size)),
            std::string::npos)
      << refusal(shape);
  shape = from;
  shape.head_dim = from.head_dim + 2;
  EXPECT_NE(refusal(shape).find("no multiple of"), std::string::npos) << refusal(shape);
  shape = from;
  shape.layers = 1;
  EXPECT_NE(refusal(shape).find("number of layers is 1"), std::string::npos) << refusal(shape);
  shape = from;
  shape.heads = shape.kv_heads = from.heads;
  EXPECT_NE(refusal(shape).find("heads per KV head"), std::string::npos) << refusal(shape);
}

// Published numbers of parameters, the tied embedding counted once.
TEST(Shapes, HaveAsManyParametersAsPublished) {
  const std::pair<const char*, int64_t> published[] = {
      {"llama-3.2-1b", 1'235'814'400}, {"llama-3.2-3b", 3'212'749'824},
      {"llama-3-8b", 8'030'261'248},   {"llama-3-70b", 70'553'706'496},
      {"mistral-7b", 7'241'732'096},   {"codellama-34b", 33'743'970'304}};
  ASSERT_EQ(published_shape_names().size(), std::size(published));
  for (const auto& [name, parameters] : published) {
    EXPECT_EQ(bytes_of(llama_tensors(published_shape(name).value())), 2 * parameters) << name;
  }
}

}  // namespace
}  // namespace kilotoken::test
