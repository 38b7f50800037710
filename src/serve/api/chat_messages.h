#pragma once
// The messages of a conversation: from what clients send to what chat templates read.

#include "base/json.h"
#include "base/result.h"

namespace kilotoken {

// A copy whose every "content" is a list of text parts {"type": "text", "text": ...}, as vLLM hands
// it to templates: the arguments of tool calls are parsed, nulls and empty tool calls left out, and
// everything else is kept as it came. Errors name the place ("messages[3].role"); kUnsupported for
// parts that are not text. `value` may be null: missing.
Result<OrderedJson> read_messages(const OrderedJson* value);

// For templates that take strings: each content's texts, joined by line breaks.
void join_contents(OrderedJson& messages);

}  // namespace kilotoken
