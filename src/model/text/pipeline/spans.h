#pragma once
// What becomes of the spans of a text that matched (HF tokenizers, SplitDelimiterBehavior).

#include <vector>

#include "model/text/pipeline/pre_tokenizer.h"
#include "model/text/unicode/regex.h"

namespace kilotoken {

void join_delimiters(std::vector<RegexSpan>& spans, Delimiters delimiters);

}  // namespace kilotoken
