#include "model/text/pipeline/text_stages.h"

#include <algorithm>
#include <utility>

namespace kilotoken {

StageState::StageState(const TextStage& stage, bool at_start)
    : stage_(stage), start_left_(at_start ? stage.start : 0) {}

std::string StageState::push(std::string_view text) {
  held_ += text;
  return stage_.kind == TextStage::kStrip ? strip() : replace(false);
}

std::string StageState::finish() {
  if (stage_.kind == TextStage::kReplace) return replace(true);
  for (size_t i = 0; i < stage_.stop && held_.ends_with(stage_.from); ++i) {
    held_.resize(held_.size() - stage_.from.size());
  }
  return std::exchange(held_, {});
}

// `from` is one character, so it comes whole.
std::string StageState::strip() {
  const size_t size = stage_.from.size();
  size_t front = 0;
  while (start_left_ > 0 && std::string_view(held_).substr(front).starts_with(stage_.from)) {
    front += size;
    --start_left_;
  }
  if (front < held_.size()) start_left_ = 0;
  held_.erase(0, front);
  size_t end = held_.size();
  for (size_t i = 0;
       i < stage_.stop && std::string_view(held_).substr(0, end).ends_with(stage_.from); ++i) {
    end -= size;
  }
  std::string out = held_.substr(0, end);
  held_.erase(0, end);
  return out;
}

std::string StageState::replace(bool last) {
  std::string out;
  size_t at = 0;
  for (;;) {
    const size_t found = held_.find(stage_.from, at);
    if (found == std::string::npos) break;
    out.append(held_, at, found - at);
    out += stage_.to;
    at = found + stage_.from.size();
  }
  size_t keep = 0;  // the longest end that `from` may begin with
  if (!last) {
    const size_t most = std::min(held_.size() - at, stage_.from.size() - 1);
    for (keep = most; keep > 0; --keep) {
      if (held_.compare(held_.size() - keep, keep, stage_.from, 0, keep) == 0) break;
    }
  }
  out.append(held_, at, held_.size() - keep - at);
  held_.erase(0, held_.size() - keep);
  return out;
}

}  // namespace kilotoken
