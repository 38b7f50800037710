#include "compute/tensor/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

namespace kilotoken {

namespace {

constexpr size_t kPieceAlignment = 64;  // a cache line, and the widest vector register
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Result<Arena> Arena::reserve(size_t bytes) {
  Arena arena;
  if (bytes == 0) return arena;
  // Room to begin on a bound of huge pages, which mmap itself does not promise.
  const size_t slack = bytes >= kHugePage && bytes <= SIZE_MAX - kHugePage ? kHugePage : 0;
  void* memory = mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return Error{ErrorCode::kFull,
                 "cannot reserve " + std::to_string(bytes) + " bytes of memory: " +
                     std::strerror(errno) + "; ask for less or raise the limit (ulimit -v)",
                 {}};
  }
  arena.mapping_ = memory;
  arena.mapping_bytes_ = bytes + slack;
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const size_t skip = slack == 0 ? 0 : (kHugePage - address % kHugePage) % kHugePage;
  arena.data_ = static_cast<std::byte*>(memory) + skip;
  arena.size_ = bytes;
  // A wish: a kernel without huge pages refuses it (huge_pages_offered tells).
  if (slack > 0) madvise(arena.data_, bytes, MADV_HUGEPAGE);
  return arena;
}

Arena::~Arena() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
}

Arena::Arena(Arena&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapping_bytes_(std::exchange(other.mapping_bytes_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapping_, other.mapping_);
  std::swap(mapping_bytes_, other.mapping_bytes_);
  return *this;
}

bool huge_pages_offered(const std::filesystem::path& setting) {
  // The chosen word stands in brackets: "always [madvise] never".
  std::ifstream file(setting);
  std::string line;
  return std::getline(file, line) && line.find('[') != std::string::npos &&
         line.find("[never]") == std::string::npos;
}

void drop_mapped(std::span<const std::byte> range) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(range.data());
  const uintptr_t first = (begin + page - 1) / page * page;
  const uintptr_t last = (begin + range.size()) / page * page;
  if (first >= last) return;
  madvise(const_cast<std::byte*>(range.data()) + (first - begin), last - first, MADV_DONTNEED);
}

Workspace::Workspace(size_t capacity_bytes) {
  auto arena = Arena::reserve(capacity_bytes);
  arena_ = std::move(arena).value();
}

std::byte* Workspace::take_bytes(size_t bytes) {
  const size_t left = capacity_bytes() - used_;
  KT_CHECK(bytes <= left, "workspace overflow: " + std::to_string(bytes) + " bytes asked, " +
                              std::to_string(left) + " left of " +
                              std::to_string(capacity_bytes()));
  std::byte* piece = arena_.bytes().data() + used_;
  const size_t padded = (bytes + kPieceAlignment - 1) / kPieceAlignment * kPieceAlignment;
  used_ = std::min(used_ + padded, capacity_bytes());
  peak_ = std::max(peak_, used_);
  return piece;
}

}  // namespace kilotoken
