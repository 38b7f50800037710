#pragma once
// The choice among given tables; select_kernels(forced) of kernels.h is this on kernel_tables().

#include <span>
#include <string_view>

#include "compute/kernels/kernels.h"

namespace kilotoken {

Result<const Kernels*> select_kernels(std::span<const KernelTable> tables, std::string_view forced);

}  // namespace kilotoken
