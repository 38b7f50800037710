#include "model/text/pipeline/post_processor.h"

namespace kilotoken {

PostProcessor::PostProcessor()
    : single(1), pair({{TemplatePart::kFirst, -1, 0}, {TemplatePart::kSecond, -1, 1}}) {}

std::vector<int32_t> PostProcessor::fill(const std::vector<TemplatePart>& parts,
                                         std::span<const int32_t> first,
                                         std::span<const int32_t> second, bool add_tokens,
                                         std::vector<int32_t>* types) {
  std::vector<int32_t> ids;
  ids.reserve(first.size() + second.size() + parts.size());
  for (const TemplatePart& part : parts) {
    if (part.kind == TemplatePart::kToken) {
      if (add_tokens) ids.push_back(part.token);
    } else {
      const std::span<const int32_t> text = part.kind == TemplatePart::kFirst ? first : second;
      ids.insert(ids.end(), text.begin(), text.end());
    }
    if (types) types->resize(ids.size(), part.type);
  }
  return ids;
}

}  // namespace kilotoken
