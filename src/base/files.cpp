#include "base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/cgroup.h"

namespace kilotoken {
namespace {

Error os_error(std::string_view action, const std::filesystem::path& path) {
  const int number = errno;
  const ErrorCode code = number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return {code,
          "cannot " + std::string(action) + " " + path.string() + ": " +
              std::generic_category().message(number),
          {}};
}

class FileDescriptor {
 public:
  explicit FileDescriptor(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// "Name:   123 kB" lines of /proc files, in bytes; 0 if absent.
int64_t read_kilobytes(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
      return std::strtoll(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
    }
  }
  return 0;
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const FileDescriptor file(path);
  if (file.get() < 0) return os_error("open", path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return os_error("read the size of", path);
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalid, path.string() + " is not a regular file", {}};
  }
  std::shared_ptr<MappedFile> mapped(new MappedFile);
  mapped->path_ = path;
  const auto size = static_cast<size_t>(status.st_size);
  if (size > 0) {
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (data == MAP_FAILED) return os_error("map", path);
    mapped->bytes_ = {static_cast<const std::byte*>(data), size};
  }
  return std::shared_ptr<const MappedFile>(std::move(mapped));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Result<std::string> read_text_file(const std::filesystem::path& path, size_t max_bytes) {
  const FileDescriptor file(path);
  if (file.get() < 0) return os_error("open", path);
  std::string text;
  constexpr size_t kChunk = 1 << 16;
  for (;;) {
    const size_t have = text.size();
    text.resize(have + kChunk);
    const ssize_t got = ::read(file.get(), text.data() + have, kChunk);
    text.resize(have + static_cast<size_t>(std::max<ssize_t>(0, got)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error("read", path);
    if (got == 0) return text;
    if (text.size() > max_bytes) {
      return Error{ErrorCode::kTooLarge,
                   path.string() + " is larger than " + std::to_string(max_bytes) +
                       " bytes, the most that is read of such a file",
                   {}};
    }
  }
}

Result<void> write_text_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return {};
  return Error{ErrorCode::kIo, "cannot write " + path.string() + ": " + std::strerror(errno), {}};
}

std::filesystem::path executable_path() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

int64_t available_memory_bytes() {
  const int64_t machine = read_kilobytes("/proc/meminfo", "MemAvailable");
  const auto container = cgroup_memory_left();
  return container ? std::min(machine, *container) : machine;
}

int64_t peak_resident_bytes() { return read_kilobytes("/proc/self/status", "VmHWM"); }
int64_t resident_bytes() { return read_kilobytes("/proc/self/status", "VmRSS"); }

std::string mebibytes_text(int64_t bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text.data();
}

}  // namespace kilotoken
