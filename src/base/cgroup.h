#pragma once
// What the container allows: the limits of this process's cgroups, version 2 and 1. Limits of every
// ancestor count, since the kernel enforces each of them.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace kilotoken {

struct CgroupFiles {
  std::filesystem::path membership = "/proc/self/cgroup";
  std::filesystem::path mount = "/sys/fs/cgroup";
};

// CPUs' worth of time per unit of time; empty when there is no quota.
std::optional<double> cgroup_cpu_quota(const CgroupFiles& files = {});

// Bytes below the memory limit, page cache counted as free (the kernel takes it back first); empty
// when there is no limit.
std::optional<int64_t> cgroup_memory_left(const CgroupFiles& files = {});

}  // namespace kilotoken
