#pragma once
// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as
// 1, 2, 3", SC 2011). A draw depends on its key and counter alone, never on what was drawn before.

#include <array>
#include <cstdint>

namespace kilotoken {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Uniform in [0, 1) with 53 bits, for draw `index` at (seed, stream, position).
double uniform_at(uint64_t seed, uint32_t stream, uint64_t position, uint32_t index = 0);

// A seed nobody can guess, from the operating system.
uint64_t entropy_seed();

}  // namespace kilotoken
