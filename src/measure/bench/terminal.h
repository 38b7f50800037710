#pragma once
// Terminal: a run while it goes, and its numbers when it is over, as lines of text.

#include <atomic>
#include <string>
#include <thread>

#include "measure/bench/result.h"

namespace kilotoken::bench {

// A bar with the time left and live figures, on standard error if that is a terminal.
class ProgressBar {
 public:
  ProgressBar(const LoadProgress& progress, size_t total, const Clock& clock, bool wanted);
  ~ProgressBar();

 private:
  void draw(int64_t now_ns);
  const LoadProgress& progress_;
  const size_t total_;
  const Clock& clock_;
  int64_t begin_ns_ = 0, last_ns_ = 0, last_tokens_ = 0;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// The plan, before anything is sent.
std::string plan_text(const Plan& plan, size_t shown);

// The numbers, as lines.
std::string summary_text(const ResultInput& input);

}  // namespace kilotoken::bench
