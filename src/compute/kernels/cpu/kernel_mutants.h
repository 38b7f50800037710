#pragma once
// The fault of mutants.h that lies in kernel sources, which include nothing that others share.

#include <cstdint>

namespace kilotoken::cpu {
namespace {

// How many of the numbers at the end of a row are read where fewer than `lanes` are left: those.
// The mutant tail_past_the_end reads a whole vector, and with it what lies behind.
inline int64_t tail_numbers([[maybe_unused]] int64_t left, [[maybe_unused]] int64_t lanes) {
#ifdef KILOTOKEN_MUTANT_tail_past_the_end
  return lanes;
#else
  return left;
#endif
}

}  // namespace
}  // namespace kilotoken::cpu
