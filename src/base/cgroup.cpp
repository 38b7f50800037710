#include "base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace kilotoken {
namespace {

namespace fs = std::filesystem;

// Version 1 writes "no limit" as the largest page-aligned number.
constexpr int64_t kNoLimit = int64_t{1} << 60;

std::optional<int64_t> read_number(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;  // absent, or "max"
}

int64_t read_stat(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  std::string name;
  int64_t value = 0;
  while (file >> name >> value) {
    if (name == key) return value;
  }
  return 0;
}

struct Membership {
  bool v2 = false;
  std::vector<fs::path> dirs;  // own group first, then its ancestors up to the mount
};

// The path a container sees in its membership file may be the host's, which is not mounted here;
// directories that are missing are harmless, their files just cannot be read.
std::vector<fs::path> with_ancestors(const fs::path& mount, std::string group) {
  std::vector<fs::path> dirs;
  while (!group.empty() && group != "/") {
    dirs.push_back(mount / group.substr(1));
    group.resize(group.rfind('/'));
  }
  dirs.push_back(mount);
  return dirs;
}

// One entry per hierarchy that could carry `controller`.
std::vector<Membership> memberships(const CgroupFiles& files, std::string_view controller) {
  std::vector<Membership> found;
  std::ifstream file(files.membership);
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || line.compare(second + 1, 1, "/") != 0) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (names.empty()) {
      found.push_back({true, with_ancestors(files.mount, group)});
      continue;
    }
    std::istringstream list(names);
    for (std::string name; std::getline(list, name, ',');) {
      if (name != controller) continue;
      found.push_back({false, with_ancestors(files.mount / names, group)});
      if (name != names) found.push_back({false, with_ancestors(files.mount / name, group)});
    }
  }
  return found;
}

std::optional<double> cpu_quota_of(const fs::path& dir, bool v2) {
  if (v2) {
    std::ifstream file(dir / "cpu.max");
    double quota = 0, period = 0;
    if (file >> quota >> period && quota > 0 && period > 0) return quota / period;
    return std::nullopt;
  }
  const auto quota = read_number(dir / "cpu.cfs_quota_us");
  const auto period = read_number(dir / "cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;  // -1: no quota
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<int64_t> memory_left_of(const fs::path& dir, bool v2) {
  const auto limit = read_number(dir / (v2 ? "memory.max" : "memory.limit_in_bytes"));
  const auto usage = read_number(dir / (v2 ? "memory.current" : "memory.usage_in_bytes"));
  if (!limit || !usage || *limit < 0 || *limit >= kNoLimit) return std::nullopt;
  const std::string prefix = v2 ? "" : "total_";
  const int64_t cache = read_stat(dir / "memory.stat", prefix + "inactive_file") +
                        read_stat(dir / "memory.stat", prefix + "active_file");
  const int64_t used = std::max<int64_t>(0, *usage - cache);
  return std::max<int64_t>(0, *limit - used);
}

// The smallest of what `read` finds over every group that `controller` puts this process in.
template <typename Read>
auto smallest(const CgroupFiles& files, std::string_view controller, Read read) {
  decltype(read(fs::path{}, true)) least;
  for (const Membership& membership : memberships(files, controller)) {
    for (const fs::path& dir : membership.dirs) {
      const auto value = read(dir, membership.v2);
      if (value && (!least || *value < *least)) least = value;
    }
  }
  return least;
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const CgroupFiles& files) {
  return smallest(files, "cpu", cpu_quota_of);
}

std::optional<int64_t> cgroup_memory_left(const CgroupFiles& files) {
  return smallest(files, "memory", memory_left_of);
}

}  // namespace kilotoken
