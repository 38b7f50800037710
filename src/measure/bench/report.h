#pragma once
// Report: a result as one HTML page that needs nothing else: data, script and charts are in it.

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace kilotoken::bench {

// `result`: of `bench serve` or of `bench sweep`. `requests`: detail_jsonl; may be empty.
Result<std::string> report_html(const OrderedJson& result, const std::string& requests);

}  // namespace kilotoken::bench
