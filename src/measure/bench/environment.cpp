#include "measure/bench/environment.h"

#include <openssl/crypto.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/threads.h"

namespace kilotoken::bench {
namespace {

namespace fs = std::filesystem;

// The value behind "name :" of the first such line.
std::string field_of(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const size_t colon = line.find_first_of(":=");
    if (colon == line.npos) continue;
    const size_t begin = line.find_first_not_of(" \t\"", colon + 1);
    if (begin == line.npos) continue;
    const size_t end = line.find_last_not_of(" \t\"");
    return line.substr(begin, end - begin + 1);
  }
  return "";
}

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string instruction_sets() {
  std::istringstream flags(field_of("/proc/cpuinfo", "flags"));
  std::string found;
  for (std::string flag; flags >> flag;) {
    for (const char* known : {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni",
                              "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}) {
      if (flag == known) found += (found.empty() ? "" : " ") + flag;
    }
  }
  return found;
}

}  // namespace

OrderedJson environment_json(const std::string& version) {
  utsname system{};
  ::uname(&system);
  const double gib = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                     static_cast<double>(::sysconf(_SC_PAGE_SIZE)) / (1 << 30);
  const std::string governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  return {
    {"kilotoken", version}, {"cpu", field_of("/proc/cpuinfo", "model name")},
        {"isa", instruction_sets()}, {"cores", std::thread::hardware_concurrency()},
        {"usable_cores", usable_cpu_count()},
        {"governor", governor.empty() ? "not shown" : governor}, {"memory_gib", gib},
        {"gpu", "not used"}, {"os", field_of("/etc/os-release", "PRETTY_NAME")},
        {"kernel", std::string(system.sysname) + " " + system.release},
#if defined(__clang__)
        {"compiler", "clang " __clang_version__},
#else
        {"compiler", "gcc " __VERSION__},
#endif
        {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)}, {
      "load_average_before", first_line("/proc/loadavg")
    }
  };
}

EnergyMeter::EnergyMeter(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    // "intel-rapl:0" is a package, "intel-rapl:0:1" a part of it.
    if (!name.starts_with("intel-rapl:") || name.find(':', 11) != name.npos) continue;
    const std::string now = first_line(entry.path() / "energy_uj");
    if (now.empty()) {
      why_not_ = (entry.path() / "energy_uj").string() + " cannot be read (root may)";
      continue;
    }
    packages_.push_back({entry.path() / "energy_uj", std::stod(now),
                         std::stod("0" + first_line(entry.path() / "max_energy_range_uj"))});
  }
  if (packages_.empty() && why_not_.empty()) why_not_ = "this machine has no RAPL counters";
}

std::optional<double> EnergyMeter::joules() const {
  if (packages_.empty()) return std::nullopt;
  double sum_uj = 0;
  for (const Package& package : packages_) {
    const std::string text = first_line(package.file);
    if (text.empty()) return std::nullopt;
    const double now = std::stod(text);
    sum_uj += now - package.begin_uj + (now < package.begin_uj ? package.range_uj : 0);
  }
  return sum_uj * 1e-6;
}

}  // namespace kilotoken::bench
