#include "model/text/pipeline/spans.h"

#include <algorithm>

namespace kilotoken {
namespace {

// Each match to the span before it, unless that is a match too.
void merge_with_previous(std::vector<RegexSpan>& spans) {
  std::vector<RegexSpan> out;
  bool previous = false;
  for (const RegexSpan& span : spans) {
    if (span.matched && !previous && !out.empty()) {
      out.back().end = span.end;
    } else {
      out.push_back(span);
    }
    previous = span.matched;
  }
  spans = std::move(out);
}

void merge_with_next(std::vector<RegexSpan>& spans) {
  std::vector<RegexSpan> out;
  bool next = false;
  for (size_t i = spans.size(); i-- > 0;) {
    if (spans[i].matched && !next && !out.empty()) {
      out.back().begin = spans[i].begin;
    } else {
      out.push_back(spans[i]);
    }
    next = spans[i].matched;
  }
  std::ranges::reverse(out);
  spans = std::move(out);
}

void merge_alike(std::vector<RegexSpan>& spans) {
  std::vector<RegexSpan> out;
  for (const RegexSpan& span : spans) {
    if (!out.empty() && out.back().matched == span.matched) {
      out.back().end = span.end;
    } else {
      out.push_back(span);
    }
  }
  spans = std::move(out);
}

}  // namespace

void join_delimiters(std::vector<RegexSpan>& spans, Delimiters delimiters) {
  switch (delimiters) {
    case Delimiters::kIsolated:
      break;
    case Delimiters::kRemoved:
      std::erase_if(spans, [](const RegexSpan& span) { return span.matched; });
      break;
    case Delimiters::kMergedWithPrevious:
      merge_with_previous(spans);
      break;
    case Delimiters::kMergedWithNext:
      merge_with_next(spans);
      break;
    case Delimiters::kContiguous:
      merge_alike(spans);
      break;
  }
}

}  // namespace kilotoken
