#pragma once
// Memory from the operating system: page-aligned, zero on first touch, huge pages where offered.

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace kilotoken {

// One block, reserved at once, resident only where touched. From 2 MiB on it begins on a bound of
// huge pages and asks for them; a page then lies where the thread runs that touches it first.
class Arena {
 public:
  Arena() = default;
  static Result<Arena> reserve(size_t bytes);
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;

  std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  void* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
};

// Whether memory that asks for huge pages gets them: the kernel has them and they are not "never".
// Without them large weights are read a few percent slower.
bool huge_pages_offered(
    const std::filesystem::path& setting = "/sys/kernel/mm/transparent_hugepage/enabled");

// Says that `range` of a mapping is not needed: its whole pages are no longer resident in this
// process. A file's are read from it if touched again, an arena's are zeros then. The pages that
// only partly belong to it stay.
void drop_mapped(std::span<const std::byte> range);

// Scratch of one step: grows to the largest step seen, then is reused. take() hands out 64-byte
// aligned pieces; reset() and rewind() take them back.
class Workspace {
 public:
  explicit Workspace(size_t capacity_bytes);
  Workspace(Workspace&&) = default;
  template <typename T>
  std::span<T> take(size_t count) {
    return {reinterpret_cast<T*>(take_bytes(count * sizeof(T))), count};
  }
  void reset() { used_ = 0; }

  // Everything taken after mark() is given back by rewind().
  struct Mark {
    size_t used;
  };
  Mark mark() const { return {used_}; }
  void rewind(Mark mark) { used_ = mark.used; }
  size_t capacity_bytes() const { return arena_.bytes().size(); }
  size_t peak_bytes() const { return peak_; }

 private:
  std::byte* take_bytes(size_t bytes);
  Arena arena_;
  size_t used_ = 0, peak_ = 0;
};

}  // namespace kilotoken
