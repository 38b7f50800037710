#pragma once
// Files and memory as the operating system gives them.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kilotoken {

// A file mapped read-only for as long as the object lives. Pages come from the page cache on
// demand.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile() = default;
  std::span<const std::byte> bytes_;
  std::filesystem::path path_;
};

// The whole file as text; kTooLarge above the limit.
Result<std::string> read_text_file(const std::filesystem::path& path, size_t max_bytes = 256 << 20);

// Replaces the file; an error says why it could not be written.
Result<void> write_text_file(const std::filesystem::path& path, std::string_view text);

std::filesystem::path executable_path();

// Bytes this process may still use: the smaller of free memory (MemAvailable) and what the
// container's cgroup (v2 or v1) leaves.
int64_t available_memory_bytes();

// Peak resident set of this process (VmHWM).
int64_t peak_resident_bytes();
int64_t resident_bytes();

std::string mebibytes_text(int64_t bytes);  // "12.3 MiB"

}  // namespace kilotoken
