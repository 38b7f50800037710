#include "model/weights/made_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

namespace kilotoken {
namespace {

const std::vector<TensorShape> kTensors = {{"matrix", {300, 200}, DType::kBF16},
                                           {"norm", {200}, DType::kF32},
                                           {"wide", {8, 200'000}, DType::kF16}};

TEST(MadeWeights, HoldWhatIsWrittenIntoThem) {
  auto made = MadeWeights::reserve(kTensors, "made").value();
  EXPECT_EQ(made->names(), (std::vector<std::string>{"matrix", "norm", "wide"}));
  EXPECT_EQ(made->file_bytes(), 300 * 200 * 2 + 200 * 4 + 8 * 200'000 * 2);
  EXPECT_FALSE(made->find("other"));
  store(made->bytes("norm").data() + 4, DType::kF32, 2.5f);
  EXPECT_EQ(made->find("norm")->at(1), 2.5f);
  EXPECT_EQ(made->find("norm")->at(0), 0.0f);
}

TEST(DummyWeights, AreLikeThoseOfAFreshModel) {
  const auto dummy = make_dummy_weights(kTensors, "dummy").value();
  const Tensor norm = dummy->find("norm").value();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(norm.at(i), 1.0f);
  for (const char* name : {"matrix", "wide"}) {
    const Tensor matrix = dummy->find(name).value();
    double sum = 0, squares = 0;
    std::set<float> values;
    for (int64_t i = 0; i < 60'000; ++i) {
      const double value = matrix.at(i);
      sum += value;
      squares += value * value;
      values.insert(matrix.at(i));
    }
    EXPECT_NEAR(sum / 60'000, 0.0, 0.0005) << name;
    EXPECT_NEAR(std::sqrt(squares / 60'000), 0.02, 0.0005) << name;
    EXPECT_GT(values.size(), 1000u) << name;
  }
}

TEST(DummyWeights, AreTheSameEveryTimeAndDifferFromRowToRow) {
  const auto first = make_dummy_weights(kTensors, "dummy").value();
  const auto second = make_dummy_weights(kTensors, "dummy").value();
  for (const std::string& name : first->names()) {
    const Tensor a = first->find(name).value(), b = second->find(name).value();
    EXPECT_EQ(std::memcmp(a.data, b.data, a.bytes()), 0) << name;
  }
  const Tensor matrix = first->find("matrix").value();
  EXPECT_NE(std::memcmp(matrix.data, matrix.data + 400, 400), 0);
}

TEST(DummyWeights, AreTheSameAfterTheyWereReleased) {
  const auto dummy = make_dummy_weights({{"matrix", {300, 2000}, DType::kBF16}}, "dummy").value();
  const Tensor before = dummy->find("matrix").value();
  const std::vector<std::byte> bytes(before.data, before.data + before.bytes());
  dummy->release("matrix");
  const Tensor after = dummy->find("matrix").value();
  EXPECT_EQ(std::memcmp(after.data, bytes.data(), bytes.size()), 0);
}

TEST(MadeWeights, AreGoneOnceReleased) {
  auto made = MadeWeights::reserve(kTensors, "made").value();
  made->release("matrix");
  EXPECT_FALSE(made->find("matrix"));
  EXPECT_TRUE(made->find("wide"));
}

}  // namespace
}  // namespace kilotoken
