#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/files.h"
#include "model/weights/safetensors_writer.h"
#include "model/weights/weight_source.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;

class SafetensorsTest : public testing::Test {
 protected:
  SafetensorsTest() {
    std::string name = (fs::temp_directory_path() / "kilotoken-XXXXXX").string();
    KT_CHECK(mkdtemp(name.data()) != nullptr);
    dir_ = name;
  }
  ~SafetensorsTest() override { fs::remove_all(dir_); }

  fs::path put(const std::string& name, const std::string& bytes) const {
    std::ofstream(dir_ / name, std::ios::binary) << bytes;
    return dir_ / name;
  }
  fs::path dir_;
};

std::string with_length(uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + rest;
}
std::string file_of(const std::string& header, size_t data_bytes) {
  return with_length(header.size(), header + std::string(data_bytes, 'x'));
}

std::string error_of(const std::string& bytes) {
  auto source = parse_safetensors(std::as_bytes(std::span(bytes)), "f.safetensors");
  return source.ok() ? "" : source.error().message;
}

TEST_F(SafetensorsTest, WritesAndReadsBack) {
  const float numbers[] = {1, 2, 3, 4, 5, 6};
  const BFloat16 halves[] = {to_bfloat16(0.5f), to_bfloat16(-2.0f)};
  const fs::path path = dir_ / "a.safetensors";
  ASSERT_TRUE(write_safetensors(path, {{"b", Tensor(numbers, DType::kF32, {2, 3})},
                                       {"a", Tensor(halves, DType::kBF16, {2})}})
                  .ok());
  auto source = open_safetensors(path);
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_EQ((*source)->names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ((*source)->file_bytes(), static_cast<int64_t>(fs::file_size(path)));
  const auto b = (*source)->find("b");
  ASSERT_TRUE(b);
  EXPECT_EQ(shape_text(*b), "[2, 3] float32");
  EXPECT_EQ(b->at(5), 6.0f);
  EXPECT_EQ((*source)->find("a")->at(1), -2.0f);
  EXPECT_FALSE((*source)->find("c"));
  EXPECT_EQ(require_tensor(**source, "c").error().code, ErrorCode::kNotFound);
}

TEST_F(SafetensorsTest, WriterSaysWhenItCannotWrite) {
  const auto written = write_safetensors(dir_ / "no" / "such" / "folder", {});
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kIo);
}

TEST_F(SafetensorsTest, HeaderLength) {
  EXPECT_NE(error_of(with_length(uint64_t{1} << 60, "{}")).find("1152921504606846976 bytes"),
            std::string::npos);
  EXPECT_NE(error_of(with_length(~uint64_t{0}, "{}")).find("limit"), std::string::npos);
  EXPECT_EQ(error_of(with_length(100, "{}")),
            "f.safetensors: header needs 100 bytes, the file has 2 after the length: it is "
            "truncated, fetch it again");
  EXPECT_NE(error_of("1234567").find("no safetensors file"), std::string::npos);
  EXPECT_NE(error_of("").find("no safetensors file"), std::string::npos);
  EXPECT_NE(error_of(file_of("[]", 0)).find("not a JSON object"), std::string::npos);
  EXPECT_EQ(error_of(file_of("{}", 0)), "");
}

TEST_F(SafetensorsTest, DamagedEntries) {
  const auto error_for = [](const std::string& info) {
    return error_of(file_of("{\"t\":" + info + "}", 8));
  };
  const std::string f32 = R"({"dtype":"F32","shape":)";
  EXPECT_EQ(error_for(f32 + R"([2],"data_offsets":[0,8]})"), "");
  EXPECT_EQ(error_for(f32 + R"([3],"data_offsets":[0,12]})"),
            "f.safetensors: tensor t needs data bytes up to 12, the file has 8: it is truncated, "
            "fetch it again");
  EXPECT_NE(error_for(f32 + R"([2],"data_offsets":[0,4]})").find("data_offsets give 4"),
            std::string::npos);
  EXPECT_NE(error_for(f32 + R"([2],"data_offsets":[8,0]})").find("before it begins"),
            std::string::npos);
  EXPECT_NE(error_for(f32 + R"([2],"data_offsets":[-8,0]})").find("no data_offsets"),
            std::string::npos);
  EXPECT_NE(error_for(f32 + R"([2],"data_offsets":[0]})").find("no data_offsets"),
            std::string::npos);
  EXPECT_NE(
      error_for(f32 + R"([4294967296,4294967296,4294967296],"data_offsets":[0,8]})").find("2^48"),
      std::string::npos);
  EXPECT_NE(error_for(f32 + R"([18446744073709551615],"data_offsets":[0,8]})").find("2^48"),
            std::string::npos);
  EXPECT_NE(error_for(f32 + R"([2.0],"data_offsets":[0,8]})").find("whole number"),
            std::string::npos);
  EXPECT_NE(error_for(f32 + R"("2","data_offsets":[0,8]})").find("shape"), std::string::npos);
  EXPECT_NE(error_for(R"({"shape":[2],"data_offsets":[0,8]})").find("dtype"), std::string::npos);
  EXPECT_NE(error_for("3").find("not an object"), std::string::npos);
}

TEST_F(SafetensorsTest, OverlapIsRefused) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})";
  EXPECT_EQ(error_of(file_of(header, 12)),
            "f.safetensors: tensor b overlaps tensor a: the header is damaged");
}

TEST_F(SafetensorsTest, OtherTypesAreNamedWhenAskedFor) {
  const std::string bytes = file_of(R"({"q":{"dtype":"I8","shape":[8],"data_offsets":[0,8]},)"
                                    R"("r":{"dtype":"F99","shape":[8],"data_offsets":[8,9]},)"
                                    R"("s":{"dtype":"F16","shape":[1,1,1,1,1],)"
                                    R"("data_offsets":[10,12]}})",
                                    12);
  auto source = parse_safetensors(std::as_bytes(std::span(bytes)), "f.safetensors");
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_FALSE((*source)->find("q"));
  const auto asked = require_tensor(**source, "q");
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(asked.error().message,
            "f.safetensors: tensor q is stored as I8: not in this build yet; use a file of "
            "F32, F16, BF16, Q8_0, Q6_K or Q4_0");
  EXPECT_EQ((*source)->unsupported("r"), "F99");
  EXPECT_EQ((*source)->unsupported("s"), "F16 with 5 dimensions");
}

TEST_F(SafetensorsTest, Shards) {
  const float numbers[] = {1, 2};
  const Tensor tensor(numbers, DType::kF32, {2});
  ASSERT_TRUE(write_safetensors(dir_ / "m-1.safetensors", {{"a", tensor}}).ok());
  ASSERT_TRUE(write_safetensors(dir_ / "m-2.safetensors", {{"b", tensor}}).ok());
  const auto index = [&](const std::string& second) {
    put("model.safetensors.index.json",
        R"({"weight_map":{"a":"m-1.safetensors","b":")" + second + "\"}}");
  };
  index("m-2.safetensors");
  auto source = open_safetensors(dir_);
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_EQ((*source)->names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ((*source)->find("b")->at(1), 2.0f);

  const auto error = [&] { return open_safetensors(dir_).error().message; };
  index("m-3.safetensors");
  EXPECT_NE(error().find("m-3.safetensors: this shard, named in"), std::string::npos) << error();
  index("m-1.safetensors");
  EXPECT_NE(error().find("tensor b is not in this shard"), std::string::npos) << error();
  for (const char* elsewhere : {"../m-2.safetensors", "/etc/passwd", "..", "", "a\\\\b"}) {
    index(elsewhere);
    EXPECT_NE(error().find("is not a plain file name"), std::string::npos) << error();
  }

  index("m-2.safetensors");
  fs::resize_file(dir_ / "m-2.safetensors", fs::file_size(dir_ / "m-2.safetensors") - 1);
  EXPECT_NE(error().find("m-2.safetensors: tensor b needs data bytes up to 8, the file has 7: it "
                         "is truncated, fetch it again"),
            std::string::npos)
      << error();
}

TEST_F(SafetensorsTest, FolderWithoutWeights) {
  const auto source = open_safetensors(dir_);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(open_safetensors(dir_ / "nothing").ok());
}

TEST(SafetensorsData, TrainedModel) {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
  auto source = open_safetensors(fs::path(data) / "stories260K/hf");
  ASSERT_TRUE(source.ok()) << source.error().message;
  const auto embedding = (*source)->find("model.embed_tokens.weight");
  ASSERT_TRUE(embedding);
  EXPECT_EQ(shape_text(*embedding), "[512, 64] float32");
  EXPECT_EQ((*source)->names().size(), 47u);  // 5 layers of 9, embedding, final norm; tied head
}

}  // namespace
}  // namespace kilotoken
