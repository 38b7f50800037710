#pragma once
// The parts of tokenizer.json around the model, by their "type" (HF tokenizers: normalizers,
// pre_tokenizers, processors, decoders).

#include "model/text/formats/json_parts.h"
#include "model/text/pipeline/decoder.h"
#include "model/text/pipeline/normalizer.h"
#include "model/text/pipeline/post_processor.h"
#include "model/text/pipeline/pre_tokenizer.h"

namespace kilotoken {

// Each: kInvalid for a part that is damaged, kUnsupported for one that is not in this build.
Result<NormalizerPtr> normalizer_from_json(const JsonParts& part);

struct JsonPreTokenizer {
  PreTokenizerPtr steps;
  bool of_bytes = false;  // the last step is ByteLevel: the pieces are left as bytes, not letters
};
// `bytes_allowed`: the model can take bytes.
Result<JsonPreTokenizer> pre_tokenizer_from_json(const JsonParts& part, bool bytes_allowed);

Result<PostProcessor> post_processor_from_json(const JsonParts& part, size_t vocabulary_size);
Result<std::vector<DecoderStep>> decoder_from_json(const JsonParts& part);

// A "pattern": {"String": ...} or {"Regex": ...}.
struct JsonPattern {
  std::string text;
  bool regex = false;
};
Result<JsonPattern> pattern_from_json(const JsonParts& part);
// One character, such as a Metaspace's replacement.
Result<std::string> character_from_json(const JsonParts& part, const std::string& name,
                                        std::string otherwise);

}  // namespace kilotoken
