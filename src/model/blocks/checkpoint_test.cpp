#include "model/blocks/checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compute/kernels/select.h"
#include "model/weights/made_weights.h"

namespace kilotoken {
namespace {

std::unique_ptr<MadeWeights> made(const std::vector<TensorShape>& tensors) {
  return MadeWeights::reserve(tensors, "f.safetensors").value();
}

// Every kernel table and every way of loading: a damaged number is found, and its tensor named.
TEST(Checkpoint, WeightsThatAreNotFiniteAreRefusedByName) {
  ThreadPool pool(2);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      const auto weights = made({{"a.weight", {40, 128}, dtype}, {"norm.weight", {128}, dtype}});
      const size_t size = size_of(dtype);
      store(weights->bytes("a.weight").data() + (23 * 128 + 5) * size, dtype, bad);
      store(weights->bytes("norm.weight").data() + 100 * size, dtype, bad);
      for (const KernelTable& table : kernel_tables()) {
        for (const char* quantization : {"", "int8", "int4", "q8_0", "q4_0"}) {
          const LoadOptions options = quantised_load(quantization, "auto").value();
          CheckpointReader reader(*weights, *table.kernels, pool, options);
          const auto matrix = reader.matrix("a.weight", {40, 128});
          ASSERT_FALSE(matrix.ok()) << table.kernels->name << " " << quantization;
          EXPECT_NE(matrix.error().message.find("f.safetensors: tensor a.weight: row 23 holds"),
                    std::string::npos)
              << matrix.error().message;
          const auto norm = reader.numbers("norm.weight", {128});
          ASSERT_FALSE(norm.ok());
          EXPECT_NE(norm.error().message.find("f.safetensors: tensor norm.weight: "),
                    std::string::npos);
        }
      }
    }
  }
}

TEST(Checkpoint, AWidthThatGroupsDoNotDivideStaysAsStoredAndIsSaidOnce) {
  ThreadPool pool(1);
  const std::pair<const char*, int> kept_of[] = {
      {"int8", 0}, {"int4", 2}, {"q8_0", 1}, {"q4_0", 1}};
  for (const auto& [quantization, kept] : kept_of) {
    const auto weights = made({{"a", {8, 160}}, {"b", {8, 172}}, {"c", {8, 256}}});
    const LoadOptions options = quantised_load(quantization, "auto").value();
    CheckpointReader reader(*weights, reference_kernels(), pool, options);
    const Weight a = reader.matrix("a", {8, 160}).value(), b = reader.matrix("b", {8, 172}).value();
    EXPECT_EQ(a.format() == WeightFormat::kBF16, kept == 2) << quantization;
    EXPECT_EQ(b.format() == WeightFormat::kBF16, kept > 0) << quantization;
    EXPECT_EQ(reader.matrix("c", {8, 256}).value().format(), *options.quantization);
    EXPECT_EQ(reader.report().kept, kept);
    const auto said = reader.report().exceptions(quantization);
    ASSERT_EQ(said.size(), kept > 0 ? 1u : 0u);
    if (kept == 2) {
      EXPECT_EQ(said[0],
                "2 matrices are used as they are stored, the first of them a [8, 160] bfloat16: "
                "int4 does not divide their width");
    }
  }
}

TEST(Checkpoint, WhatWeightsWillTakeIsKnownBeforeTheyAreLoaded) {
  constexpr int64_t kVocab = 512;
  ThreadPool pool(1);
  const std::vector<TensorShape> shapes = {
      {"embedding", {kVocab, 256}}, {"a", {64, 256}}, {"narrow", {64, 144}}, {"norm", {256}}};
  for (const char* quantization : {"", "int8", "int4", "q8_0", "q4_0"}) {
    const LoadOptions options = quantised_load(quantization, "auto").value();
    const auto weights = weights_on_demand(shapes, "w", [](const auto&, const Tensor&, auto) {
                           ADD_FAILURE() << "no number is needed for their count";
                         }).value();
    const int64_t expected = loaded_bytes(*weights, options, kVocab);
    const auto written = made(shapes);
    CheckpointReader reader(*written, reference_kernels(), pool, options);
    ASSERT_TRUE(reader.matrix("embedding", {kVocab, 256}, MatrixUse::kHead).ok());
    ASSERT_TRUE(reader.matrix("a", {64, 256}).ok());
    ASSERT_TRUE(reader.matrix("narrow", {64, 144}).ok());
    ASSERT_TRUE(reader.numbers("norm", {256}).ok());
    // Panels are filled up to whole lines.
    EXPECT_NEAR(double(expected), double(reader.report().bytes), 0.02 * double(expected))
        << quantization;
  }
}

TEST(Checkpoint, MoreThanTheMemoryLeftIsRefusedWithTheNumbers) {
  EXPECT_TRUE(check_weights_fit(1 << 20, "small").ok());
  const Error error = check_weights_fit(int64_t{1} << 50, "large").error();
  EXPECT_EQ(error.code, ErrorCode::kTooLarge);
  EXPECT_EQ(error.message.find("large: the weights take 1073741824.0 MiB, only "), 0u)
      << error.message;
}

// As a GGUF file with such blocks gives them.
class Decoded final : public WeightSource {
 public:
  std::optional<Tensor> find(std::string_view) const override {
    return Tensor(numbers_.data(), DType::kF32, {2, 256});
  }
  std::vector<std::string> names() const override { return {"a", "b"}; }
  int64_t file_bytes() const override { return 0; }
  std::optional<std::string> decoded(std::string_view) const override { return "Q6_K"; }

 private:
  std::vector<float> numbers_ = std::vector<float>(512, 0.5f);
};

TEST(Checkpoint, DecodedBlocksAreSaidOnceAndNotQuantisedAgain) {
  ThreadPool pool(1);
  const Decoded weights;
  const LoadOptions as_stored;
  CheckpointReader reader(weights, reference_kernels(), pool, as_stored);
  EXPECT_EQ(reader.matrix("a", {2, 256}).value().format(), WeightFormat::kF32);
  EXPECT_TRUE(reader.matrix("b", {2, 256}).ok());
  EXPECT_EQ(
      reader.report().exceptions(""),
      std::vector<std::string>{"decoded to float32, since no kernel reads such blocks: a, Q6_K "
                               "and 1 more"});
  const LoadOptions options = quantised_load("q4_0", "auto").value();
  CheckpointReader again(weights, reference_kernels(), pool, options);
  EXPECT_EQ(again.matrix("a", {2, 256}).error().message,
            "the checkpoint: tensor a: it is stored as Q6_K: a file with quantised weights is used "
            "as it is, without --quantization");
}

}  // namespace
}  // namespace kilotoken
