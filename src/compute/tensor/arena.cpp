#include "compute/tensor/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace kilotoken {

namespace {

constexpr size_t kPieceAlignment = 64;  // a cache line, and the widest vector register

}  // namespace

Result<Arena> Arena::reserve(size_t bytes) {
  Arena arena;
  if (bytes == 0) return arena;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return Error{ErrorCode::kFull,
                 "cannot reserve " + std::to_string(bytes) + " bytes of memory: " +
                     std::strerror(errno) + "; ask for less or raise the limit (ulimit -v)",
                 {}};
  }
  madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: a kernel without huge pages may refuse it
  arena.data_ = static_cast<std::byte*>(memory);
  arena.size_ = bytes;
  return arena;
}

Arena::~Arena() {
  if (data_ != nullptr) munmap(data_, size_);
}

Arena::Arena(Arena&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
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
