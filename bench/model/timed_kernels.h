#pragma once
// A kernel table that does what another does and adds up how long each operation took.

#include <cstdint>
#include <map>
#include <string>

#include "compute/kernels/kernels.h"

namespace kilotoken::bench {

struct KernelTimes {
  std::map<std::string, int64_t> ns;  // by operation
  int64_t linear_calls = 0, linear_rows = 0;
};

// There is one, since a table's functions carry no state: the last `kernels` given counts. It must
// outlive the table.
const Kernels& timed(const Kernels& kernels);
// What has come together since the last call.
KernelTimes take_kernel_times();

}  // namespace kilotoken::bench
