// What a weight format loses is what its weights lose, however they are computed with.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "measure/eval/kl.h"
#include "model/weights/made_weights.h"

namespace kilotoken {
namespace {

bool is_linear(const std::string& name, const Tensor& tensor) {
  return tensor.rank == 2 && !name.ends_with("embed_tokens.weight") && name != "lm_head.weight";
}

// A copy with the linears as float32 numbers of an INT4 weight's codes and scales.
std::unique_ptr<WeightSource> dequantised_int4(const WeightSource& weights, ThreadPool& pool) {
  std::vector<TensorShape> shapes;
  for (const std::string& name : weights.names()) {
    const Tensor tensor = *weights.find(name);
    shapes.push_back({name,
                      {tensor.sizes.begin(), tensor.sizes.begin() + tensor.rank},
                      is_linear(name, tensor) ? DType::kF32 : tensor.dtype});
  }
  auto made = MadeWeights::reserve(shapes, "dequantised").value();
  for (const TensorShape& shape : shapes) {
    const Tensor tensor = *weights.find(shape.name);
    std::byte* to = made->bytes(shape.name).data();
    if (!is_linear(shape.name, tensor)) {
      std::memcpy(to, tensor.data, tensor.bytes());
      continue;
    }
    const Weight weight = Weight::pack(tensor, WeightFormat::kInt4, false, pool).value();
    for (int64_t out = 0; out < weight.out(); ++out) {
      weight.read_row(out, reinterpret_cast<float*>(to) + out * weight.in());
    }
  }
  return made;
}

TEST(Quantisation, ExactInt4LosesWhatItsWeightsLose) {
  ThreadPool pool(2);
  const EvalModel reference = EvalModel::open("demo", Rounding::kNone, "", pool).value();
  const LoadOptions load = quantised_load("int4", "bfloat16").value();
  const EvalModel int4 = EvalModel::open("demo", Rounding::kNone, "", pool, load).value();
  ASSERT_EQ(int4.model->loaded().kept, 0) << int4.model->loaded().first_kept;
  EvalModel plain = EvalModel::open("demo", Rounding::kNone, "", pool).value();
  plain.rounded = dequantised_int4(*plain.files.weights, pool);
  plain.model = build_model(plain.files.config, *plain.rounded, *plain.kernels, pool).value();

  const auto texts = tokenize(
      reference, read_texts(reference.files.path / "data/held_out.jsonl", 25).value(), 512);
  const KlResult codes = kl(reference, int4, texts.value(), pool).value();
  const KlResult numbers = kl(reference, plain, texts.value(), pool).value();
  std::printf("KL of exact INT4 %.6f, of its weights as float32 %.6f (%lld texts)\n",
              codes.kl.value, numbers.kl.value, static_cast<long long>(codes.texts));
  EXPECT_GT(codes.kl.value, 0.005);
  // Rows are rounded to BF16 in one and not in the other.
  EXPECT_NEAR(codes.kl.value, numbers.kl.value, 0.02 * numbers.kl.value);
}

}  // namespace
}  // namespace kilotoken
