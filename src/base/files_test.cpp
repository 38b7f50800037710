#include "base/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "base/cgroup.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = fs::temp_directory_path() /
           ("kilotoken_" + std::string(info->name()) + "_" + std::to_string(::getpid()));
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  fs::path write(const fs::path& name, std::string_view text) {
    fs::create_directories((dir_ / name).parent_path());
    std::ofstream(dir_ / name, std::ios::binary) << text;
    return dir_ / name;
  }
  fs::path dir_;
};

TEST_F(FilesTest, MapsAFile) {
  const std::string text("abc\0def", 7);
  const auto file = MappedFile::open(write("a", text));
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto bytes = file.value()->bytes();
  ASSERT_EQ(bytes.size(), text.size());
  EXPECT_EQ(std::memcmp(bytes.data(), text.data(), text.size()), 0);
  const auto empty = MappedFile::open(write("empty", ""));
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty.value()->bytes().empty());
}

TEST_F(FilesTest, SaysWhyAFileCannotBeOpened) {
  const auto missing = MappedFile::open(dir_ / "missing");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message,
            "cannot open " + (dir_ / "missing").string() + ": No such file or directory");
  const auto folder = MappedFile::open(dir_);
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.error().message, dir_.string() + " is not a regular file");
  EXPECT_EQ(read_text_file(dir_).error().code, ErrorCode::kIo);
}

TEST_F(FilesTest, ReadsTextUpToALimit) {
  const std::string text(200'000, 'x');
  const fs::path path = write("text", text);
  EXPECT_EQ(read_text_file(path).value(), text);
  EXPECT_EQ(read_text_file(path, text.size()).value(), text);
  EXPECT_EQ(read_text_file(path, text.size() - 1).error().code, ErrorCode::kTooLarge);
}

TEST_F(FilesTest, ReadsLimitsOfCgroupVersion2) {
  const CgroupFiles files{write("self", "0::/a/b\n"), dir_ / "fs"};
  EXPECT_FALSE(cgroup_cpu_quota(files));
  EXPECT_FALSE(cgroup_memory_left(files));
  write("fs/a/b/cpu.max", "max 100000\n");
  write("fs/a/cpu.max", "150000 100000\n");
  write("fs/a/b/memory.max", "1000000\n");
  write("fs/a/b/memory.current", "400000\n");
  write("fs/a/b/memory.stat", "anon 7\nactive_file 100000\ninactive_file 200000\n");
  write("fs/a/memory.max", "max\n");
  write("fs/a/memory.current", "500000\n");
  EXPECT_EQ(cgroup_cpu_quota(files), 1.5);
  EXPECT_EQ(cgroup_memory_left(files), 900'000);
}

TEST_F(FilesTest, ReadsLimitsOfCgroupVersion1) {
  const CgroupFiles files{write("self", "5:memory:/box\n4:cpu,cpuacct:/box\n0::/\n"), dir_ / "fs"};
  write("fs/cpu,cpuacct/box/cpu.cfs_quota_us", "-1\n");
  write("fs/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
  write("fs/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
  write("fs/memory/box/memory.usage_in_bytes", "5\n");
  EXPECT_FALSE(cgroup_cpu_quota(files));
  EXPECT_FALSE(cgroup_memory_left(files));
  write("fs/cpu,cpuacct/box/cpu.cfs_quota_us", "50000\n");
  write("fs/memory/memory.limit_in_bytes", "1000\n");  // of the root that the container sees
  write("fs/memory/memory.usage_in_bytes", "2000\n");
  write("fs/memory/memory.stat", "total_inactive_file 1500\ntotal_active_file 100\n");
  EXPECT_EQ(cgroup_cpu_quota(files), 0.5);
  EXPECT_EQ(cgroup_memory_left(files), 600);
}

TEST(Memory, IsReportedByTheSystem) {
  EXPECT_GT(available_memory_bytes(), 0);
  EXPECT_GT(resident_bytes(), 0);
  EXPECT_GE(peak_resident_bytes(), resident_bytes() / 2);
}

TEST(ExecutablePath, NamesThisProgram) { EXPECT_TRUE(fs::exists(executable_path())); }

}  // namespace
}  // namespace kilotoken
