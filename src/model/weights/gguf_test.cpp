#include "model/weights/gguf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include "base/files.h"
#include "base/json.h"
#include "base/sha256.h"
#include "model/weights/gguf_metadata.h"

namespace kilotoken {
namespace {

// Builds a GGUF file byte by byte.
class Bytes {
 public:
  template <typename T>
  Bytes& put(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    text_.append(raw, sizeof(T));
    return *this;
  }
  Bytes& put(const std::string& value) {
    put<uint64_t>(value.size());
    text_ += value;
    return *this;
  }
  Bytes& head(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    text_ += "GGUF";
    return put(version).put(tensors).put(keys);
  }
  Bytes& tensor(const std::string& name, std::initializer_list<uint64_t> sizes, uint32_t type,
                uint64_t offset) {
    put(name).put(static_cast<uint32_t>(sizes.size()));
    for (uint64_t size : sizes) put(size);
    return put(type).put(offset);
  }
  Bytes& data(size_t bytes, size_t alignment = 32) {
    text_.resize((text_.size() + alignment - 1) / alignment * alignment + bytes, '\0');
    return *this;
  }
  const std::string& text() const { return text_; }
  std::string error() const {
    auto file = parse_gguf(std::as_bytes(std::span(text_)), "f.gguf");
    return file.ok() ? "" : file.error().message;
  }

 private:
  std::string text_;
};

TEST(Gguf, TensorsAreViewsWithSizesReversed) {
  const auto bytes = Bytes()
                         .head(4, 0)
                         .tensor("a", {2, 3}, 0, 0)
                         .tensor("k", {32, 2}, 3, 96)
                         .tensor("q", {32, 2}, 2, 32)
                         .tensor("x", {4}, 77, 160)
                         .data(192);
  auto file = parse_gguf(std::as_bytes(std::span(bytes.text())), "f.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(shape_text(*(*file)->find("a")), "[3, 2] float32");
  EXPECT_EQ(shape_text(*(*file)->find("q")), "[2, 32] q4_0");
  EXPECT_EQ((*file)->find("q")->bytes(), 36u);
  EXPECT_FALSE((*file)->find("k"));
  EXPECT_EQ((*file)->names(), (std::vector<std::string>{"a", "k", "q", "x"}));
  EXPECT_EQ(require_tensor(**file, "k").error().message,
            "f.gguf: tensor k is stored as Q4_1: not in this build yet; use a file of F32, F16, "
            "BF16, Q8_0, Q6_K or Q4_0");
  EXPECT_EQ((*file)->unsupported("x"), "type 77");
}

// A block of Q6_K as the format's description walks through it: per half of 128, four quarters of
// 32 side by side.
std::vector<float> plain_q6_k(const std::string& block) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(block[at]); };
  Half scale;
  std::memcpy(&scale, block.data() + 208, 2);
  const auto number = [&](size_t group, int low, int high) {
    const int code = low + 16 * high - 32;
    const auto of_group = static_cast<int8_t>(byte(192 + group));
    return to_float(scale) * static_cast<float>(of_group) * static_cast<float>(code);
  };
  std::vector<float> out(256);
  for (size_t half = 0; half < 2; ++half) {
    for (size_t l = 0; l < 32; ++l) {
      const int first = byte(64 * half + l), second = byte(64 * half + 32 + l);
      const int high = byte(128 + 32 * half + l);
      const size_t group = 8 * half + l / 16;
      float* to = out.data() + 128 * half + l;
      to[0] = number(group, first % 16, high % 4);
      to[32] = number(group + 2, second % 16, high / 4 % 4);
      to[64] = number(group + 4, first / 16, high / 16 % 4);
      to[96] = number(group + 6, second / 16, high / 64);
    }
  }
  return out;
}

TEST(Gguf, Q6KIsDecodedExactly) {
  constexpr size_t kBlocks = 200, kBlockBytes = 210;
  Bytes bytes;
  bytes.head(3, 0).tensor("a", {1}, 0, 0).tensor("b", {512, 100}, 14, 32);
  bytes.tensor("c", {256}, 14, 32 + 42016).data(42048);
  std::mt19937 random(1);
  std::string blocks;
  for (size_t i = 0; i <= kBlocks; ++i) {
    for (size_t k = 0; k < kBlockBytes - 2; ++k) blocks += static_cast<char>(random());
    const Half scale = to_half(std::ldexp(static_cast<float>(random() % 4000) - 2000.0f, -24));
    blocks.append(reinterpret_cast<const char*>(&scale), 2);
  }
  std::string file = bytes.text() + std::string(kBlockBytes, '\0');
  const size_t begin = bytes.text().size() - 42048 + 32;
  file.replace(begin, kBlocks * kBlockBytes, blocks, 0, kBlocks * kBlockBytes);
  file.replace(begin + 42016, kBlockBytes, blocks, kBlocks * kBlockBytes, kBlockBytes);
  const auto gguf = parse_gguf(std::as_bytes(std::span(file)), "f.gguf").value();
  EXPECT_EQ(gguf->decoded("b"), "Q6_K");
  EXPECT_FALSE(gguf->decoded("a") || gguf->decoded("absent") || gguf->unsupported("b"));
  EXPECT_EQ(gguf->file_bytes(), std::ssize(file) + (kBlocks + 1) * (1024 - kBlockBytes));
  for (int again = 0; again < 2; ++again) {  // after release() too
    const Tensor found = *gguf->find("b"), last = *gguf->find("c");
    EXPECT_EQ(shape_text(found), "[100, 512] float32");
    for (size_t i = 0; i <= kBlocks; ++i) {
      const std::vector<float> expected = plain_q6_k(blocks.substr(i * kBlockBytes, kBlockBytes));
      const std::byte* numbers = i == kBlocks ? last.data : found.data + i * 1024;
      ASSERT_EQ(std::memcmp(numbers, expected.data(), 1024), 0) << i;
    }
    gguf->release("b");
    gguf->release("c");
  }
}

TEST(Gguf, DamagedQ6K) {
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {256, 3}, 14, 0).data(629).error().find("past the end"),
            std::string::npos);
  EXPECT_EQ(Bytes().head(1, 0).tensor("t", {256, 3}, 14, 0).data(630).error(), "");
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {288}, 14, 0).data(420).error().find("blocks of 256"),
            std::string::npos);
}

TEST(Gguf, AllMetadataTypes) {
  Bytes bytes;
  bytes.head(0, 15);
  bytes.put(std::string("u8")).put<uint32_t>(0).put<uint8_t>(200);
  bytes.put(std::string("i8")).put<uint32_t>(1).put<int8_t>(-5);
  bytes.put(std::string("u16")).put<uint32_t>(2).put<uint16_t>(60000);
  bytes.put(std::string("i16")).put<uint32_t>(3).put<int16_t>(-300);
  bytes.put(std::string("u32")).put<uint32_t>(4).put<uint32_t>(4000000000u);
  bytes.put(std::string("i32")).put<uint32_t>(5).put<int32_t>(-70000);
  bytes.put(std::string("f32")).put<uint32_t>(6).put<float>(1.5f);
  bytes.put(std::string("bool")).put<uint32_t>(7).put<uint8_t>(1);
  bytes.put(std::string("str")).put<uint32_t>(8).put(std::string("text"));
  bytes.put(std::string("u64")).put<uint32_t>(10).put<uint64_t>(~uint64_t{0});
  bytes.put(std::string("i64")).put<uint32_t>(11).put<int64_t>(-1);
  bytes.put(std::string("f64")).put<uint32_t>(12).put<double>(0.25);
  bytes.put(std::string("arr")).put<uint32_t>(9).put<uint32_t>(4).put<uint64_t>(2);
  bytes.put<uint32_t>(7).put<uint32_t>(8);
  bytes.put(std::string("nested")).put<uint32_t>(9).put<uint32_t>(9).put<uint64_t>(1);
  bytes.put<uint32_t>(8).put<uint64_t>(1).put(std::string("deep"));
  bytes.put(std::string("general.alignment")).put<uint32_t>(4).put<uint32_t>(64);
  auto file = parse_gguf(std::as_bytes(std::span(bytes.text())), "f.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message;
  const GgufKeys keys((*file)->metadata(), "f.gguf");
  const std::pair<const char*, int64_t> integers[] = {
      {"u8", 200},         {"i8", -5},      {"u16", 60000}, {"i16", -300},
      {"u32", 4000000000}, {"i32", -70000}, {"i64", -1}};
  for (const auto& [key, value] : integers) EXPECT_EQ(**keys.integer(key), value) << key;
  EXPECT_EQ(std::get<uint64_t>((*file)->metadata().at("u64").value), ~uint64_t{0});
  EXPECT_EQ(**keys.number("f32"), 1.5);
  EXPECT_EQ(**keys.number("f64"), 0.25);
  EXPECT_EQ(**keys.boolean("bool"), true);
  EXPECT_EQ(**keys.string("str"), "text");
  EXPECT_EQ(std::get<int64_t>((**keys.array("arr"))[1].value), 8);
  const auto& inner = std::get<GgufArray>((**keys.array("nested"))[0].value);
  EXPECT_EQ(std::get<std::string>(inner[0].value), "deep");
  EXPECT_FALSE(keys.integer("str").ok());
  EXPECT_EQ(*keys.integer("absent"), std::nullopt);
}

TEST(Gguf, TensorPastTheEnd) {
  const auto bytes = Bytes().head(1, 0).tensor("blk.0.attn_q.weight", {64, 64}, 0, 32).data(1000);
  EXPECT_EQ(bytes.error(),
            "f.gguf: tensor blk.0.attn_q.weight lies past the end of the file (needs 16384 bytes "
            "at offset 32 of the data, the file has 1000): the file is truncated, fetch it again");
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {1}, 0, ~uint64_t{0} - 31).data(64).error().find("past"),
            std::string::npos);
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {1}, 99, 64).data(64).error().find("past"),
            std::string::npos);
  // The data section itself begins after the end.
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {1}, 0, 0).error().find("past"), std::string::npos);
}

TEST(Gguf, DamagedTensors) {
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {1}, 0, 4).data(64).error().find("multiple of the"),
            std::string::npos);
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {0}, 0, 0).data(64).error().find("size of 0"),
            std::string::npos);
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {}, 0, 0).data(64).error().find("0 dimensions"),
            std::string::npos);
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0).data(64).error().find("5 dim"),
            std::string::npos);
  const uint64_t big = uint64_t{1} << 32;
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {big, big, 4}, 0, 0).data(64).error().find("size of"),
            std::string::npos);
  EXPECT_NE(Bytes().head(1, 0).tensor("t", {33}, 2, 0).data(64).error().find("blocks of 32"),
            std::string::npos);
  const auto overlap =
      Bytes().head(2, 0).tensor("a", {16}, 0, 0).tensor("b", {16}, 0, 32).data(128);
  EXPECT_NE(overlap.error().find("tensor b overlaps tensor a"), std::string::npos);
  const auto twice = Bytes().head(2, 0).tensor("a", {1}, 0, 0).tensor("a", {1}, 0, 32).data(64);
  EXPECT_NE(twice.error().find("appears twice"), std::string::npos);
}

TEST(Gguf, DamagedHead) {
  EXPECT_NE(Bytes().put<uint32_t>(1).error().find("not a GGUF file"), std::string::npos);
  EXPECT_NE(Bytes().head(0, 0, 1).error().find("version 1"), std::string::npos);
  EXPECT_EQ(Bytes().head(0, 0, 2).error(), "");
  EXPECT_NE(Bytes().head(0, 0, 0x03000000).error().find("big-endian"), std::string::npos);
  EXPECT_NE(Bytes().head(~uint64_t{0}, 0).error().find("over a million"), std::string::npos);
  EXPECT_NE(Bytes().head(0, 1).error().find("truncated"), std::string::npos);
  EXPECT_NE(Bytes().head(0, 1).put(~uint64_t{0}).error().find("truncated"), std::string::npos);
  EXPECT_NE(Bytes().error().find("truncated"), std::string::npos);

  const auto key = [] { return Bytes().head(0, 1).put(std::string("k")); };
  EXPECT_NE(key().put<uint32_t>(13).error().find("value type 13"), std::string::npos);
  EXPECT_NE(key().put<uint32_t>(9).put<uint32_t>(0).put(~uint64_t{0}).error().find("truncated"),
            std::string::npos);
  Bytes nested = key();
  nested.put<uint32_t>(9);
  for (int i = 0; i < 6; ++i) nested.put<uint32_t>(9).put<uint64_t>(1);
  EXPECT_NE(nested.error().find("4 deep"), std::string::npos) << nested.error();
  const auto twice = Bytes()
                         .head(0, 2)
                         .put(std::string("k"))
                         .put<uint32_t>(0)
                         .put<uint8_t>(1)
                         .put(std::string("k"))
                         .put<uint32_t>(0)
                         .put<uint8_t>(1);
  EXPECT_NE(twice.error().find("appears twice"), std::string::npos);
  const auto odd = Bytes().head(0, 1).put(std::string("general.alignment")).put<uint32_t>(4);
  EXPECT_NE(Bytes(odd).put<uint32_t>(24).error().find("power of two"), std::string::npos);
  EXPECT_NE(Bytes(odd).put<uint32_t>(0).error().find("power of two"), std::string::npos);
}

// Every length that a file can be cut to gives an error and no crash.
TEST(Gguf, CutAnywhere) {
  const auto whole = Bytes()
                         .head(1, 1)
                         .put(std::string("key"))
                         .put<uint32_t>(8)
                         .put(std::string("value"))
                         .tensor("t", {8}, 0, 0)
                         .data(32);
  ASSERT_EQ(whole.error(), "");
  for (size_t length = 0; length < whole.text().size(); ++length) {
    const std::string cut = whole.text().substr(0, length);
    EXPECT_FALSE(parse_gguf(std::as_bytes(std::span(cut)), "f.gguf").ok()) << length;
  }
}

TEST(GgufData, TrainedModel) {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
  const auto folder = std::filesystem::path(data) / "stories260K/gguf";
  auto file = open_gguf(folder / "stories260K-f32.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ((*file)->names().size(), 48u);
  EXPECT_EQ(shape_text(*(*file)->find("blk.0.attn_k.weight")), "[32, 64] float32");
  for (const auto& [name, type] :
       {std::pair{"Q4_0", DType::kQ4_0}, std::pair{"Q8_0", DType::kQ8_0}}) {
    auto quantised = open_gguf(folder / ("stories260K-" + std::string(name) + ".gguf"));
    ASSERT_TRUE(quantised.ok()) << quantised.error().message;
    EXPECT_EQ((*quantised)->find("blk.0.attn_q.weight")->dtype, type);
    // A width that blocks do not divide.
    EXPECT_EQ((*quantised)->find("blk.0.ffn_down.weight")->dtype, DType::kF16);
  }
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(data) / "kquant/gguf")) {
    auto quantised = open_gguf(entry.path());
    EXPECT_TRUE(quantised.ok()) << quantised.error().message;
  }
}

// Against the hashes of what ggml's own decoder gives.
TEST(GgufData, NumbersAreGgmls) {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
  const auto folder = std::filesystem::path(data) / "kquant";
  for (const std::string type : {"Q8_0", "Q4_0", "Q6_K"}) {
    const auto file = open_gguf(folder / ("gguf/kq-" + type + ".gguf")).value();
    const std::string path = (folder / ("reference/dequant/" + type + ".json")).string();
    const Json reference = parse_json(read_text_file(path).value(), path).value();
    for (const std::string& name : file->names()) {
      const Tensor tensor = require_tensor(*file, name).value();
      std::string numbers(static_cast<size_t>(tensor.elements()) * sizeof(float), '\0');
      for (int64_t i = 0; i < tensor.elements(); ++i) {
        const float number = tensor.at(i);
        std::memcpy(numbers.data() + static_cast<size_t>(i) * sizeof number, &number,
                    sizeof number);
      }
      EXPECT_EQ(to_hex(sha256(numbers)), reference.at(name).at("sha256_dequantised_f32_le"))
          << type << " " << name;
    }
  }
}

}  // namespace
}  // namespace kilotoken
