#include "compute/tensor/arena.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace kilotoken {
namespace {

// A file of this name and text for the time of a test.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& text)
      : path_(testing::TempDir() + name + std::to_string(getpid())) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Arena, LargeOnesBeginOnABoundOfHugePagesAndAreZero) {
  for (const size_t bytes : {size_t{1}, size_t{4096}, size_t{2} << 20, (size_t{5} << 20) + 12345}) {
    const Arena arena = Arena::reserve(bytes).value();
    const std::span<std::byte> memory = arena.bytes();
    ASSERT_EQ(memory.size(), bytes);
    const size_t bound = bytes >= size_t{2} << 20 ? size_t{2} << 20 : 4096;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % bound, 0u) << bytes;
    EXPECT_EQ(std::count(memory.begin(), memory.end(), std::byte{0}),
              static_cast<std::ptrdiff_t>(bytes));
    memory.back() = std::byte{1};
  }
}

TEST(Arena, MovesWithItsMemory) {
  Arena first = Arena::reserve(size_t{3} << 20).value();
  std::byte* const data = first.bytes().data();
  Arena second = std::move(first);
  EXPECT_EQ(second.bytes().data(), data);
  Arena third;
  third = std::move(second);
  EXPECT_EQ(third.bytes().data(), data);
  third.bytes().back() = std::byte{7};
}

TEST(Arena, MoreThanThereIsIsAnError) {
  const auto arena = Arena::reserve(SIZE_MAX);
  ASSERT_FALSE(arena.ok());
  EXPECT_EQ(arena.error().code, ErrorCode::kFull);
  EXPECT_FALSE(Arena::reserve(SIZE_MAX / 2).ok());
}

TEST(HugePages, AreOfferedUnlessTheSettingIsNeverOrMissing) {
  EXPECT_TRUE(huge_pages_offered(TemporaryFile("thp", "always [madvise] never\n").path()));
  EXPECT_TRUE(huge_pages_offered(TemporaryFile("thp", "[always] madvise never\n").path()));
  EXPECT_FALSE(huge_pages_offered(TemporaryFile("thp", "always madvise [never]\n").path()));
  EXPECT_FALSE(huge_pages_offered(TemporaryFile("thp", "").path()));
  EXPECT_FALSE(huge_pages_offered("/no/such/setting"));
}

TEST(DropMapped, OnlyWholePagesLeaveAndTheBytesComeBack) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::string text(8 * page, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 + i / page);
  const TemporaryFile file("mapped", text);
  const int descriptor = open(file.path().c_str(), O_RDONLY);
  ASSERT_GE(descriptor, 0);
  void* mapping = mmap(nullptr, text.size(), PROT_READ, MAP_PRIVATE, descriptor, 0);
  close(descriptor);
  ASSERT_NE(mapping, MAP_FAILED);
  const auto* bytes = static_cast<const std::byte*>(mapping);
  EXPECT_EQ(std::memcmp(bytes, text.data(), text.size()), 0);
  drop_mapped({bytes + 1, 6 * page});
  drop_mapped({bytes + 5, 10});
  drop_mapped({});
  EXPECT_EQ(std::memcmp(bytes, text.data(), text.size()), 0);
  munmap(mapping, text.size());
}

}  // namespace
}  // namespace kilotoken
