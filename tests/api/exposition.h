#pragma once
// A strict reader of Prometheus' text format 0.0.4, as its servers read /metrics.

#include <map>
#include <string>
#include <vector>

namespace kilotoken::test {

struct Exposition {
  std::map<std::string, std::string> types;  // by family
  std::map<std::string, double> samples;     // by name{labels} as written
  std::vector<std::string> problems;         // what a strict reader would refuse; empty when fine

  double value(const std::string& series) const {  // -1 when there is none
    const auto at = samples.find(series);
    return at == samples.end() ? -1 : at->second;
  }
};

// Checks the form of each line; that each family has one HELP and one TYPE before its samples,
// which stand together; that no series comes twice; that counters are not below 0; that a
// histogram's buckets rise in bound and count and end with +Inf, the count.
Exposition read_exposition(const std::string& text);

}  // namespace kilotoken::test
