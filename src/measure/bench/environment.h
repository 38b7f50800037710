#pragma once
// Environment: what a result was measured on, and the energy that it took where the processor says.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace kilotoken::bench {

// Processor, instruction sets, memory, system, compiler, libraries.
OrderedJson environment_json(const std::string& version);

// Intel's and AMD's counter of energy (Linux powercap).
class EnergyMeter {
 public:
  // Notes the counters' state.
  explicit EnergyMeter(const std::string& folder = "/sys/class/powercap");
  // Joules of all packages since then; nothing where they cannot be read, and why.
  std::optional<double> joules() const;
  const std::string& why_not() const { return why_not_; }

 private:
  struct Package {
    std::string file;
    double begin_uj = 0, range_uj = 0;
  };
  std::vector<Package> packages_;
  std::string why_not_;
};

}  // namespace kilotoken::bench
