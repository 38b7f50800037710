#include "model/text/formats/json_pipeline.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

constexpr uint64_t kMostTypes = 1 << 20;

class TemplateReader {
 public:
  TemplateReader(const JsonParts& processor, size_t vocabulary_size)
      : processor_(processor), vocabulary_size_(vocabulary_size) {}

  Result<std::vector<TemplatePart>> read(const std::string& name) const {
    const Json* list = processor_.find(name);
    if (!list || !list->is_array()) {
      return invalid(processor_.where() + ": the template has no list " + name);
    }
    std::vector<TemplatePart> parts;
    for (const Json& element : *list) {
      const JsonParts part(element, processor_.where());
      KT_TRY_VOID(part.only({"SpecialToken", "Sequence"}));
      KT_TRY_VOID(part.find("Sequence") ? read_text(part, parts) : read_token(part, parts));
    }
    return parts;
  }

 private:
  Result<void> read_text(const JsonParts& part, std::vector<TemplatePart>& parts) const {
    KT_TRY(const JsonParts text, part.object("Sequence"));
    KT_TRY(const std::string id, text.string_or("id", ""));
    KT_TRY(const uint64_t type, text.count_or("type_id", 0, kMostTypes));
    if (id != "A" && id != "B") return text.refuse("id " + printable(id));
    parts.push_back(
        {id == "A" ? TemplatePart::kFirst : TemplatePart::kSecond, -1, static_cast<int32_t>(type)});
    return {};
  }

  Result<void> read_token(const JsonParts& part, std::vector<TemplatePart>& parts) const {
    KT_TRY(const JsonParts token, part.object("SpecialToken"));
    KT_TRY(const std::string name, token.string_or("id", ""));
    KT_TRY(const uint64_t type, token.count_or("type_id", 0, kMostTypes));
    KT_TRY(const JsonParts known, processor_.object("special_tokens"));
    KT_TRY(const JsonParts special, known.object(name));
    const Json* ids = special.find("ids");
    if (!ids || !ids->is_array()) {
      return invalid(processor_.where() + ": special token " + printable(name) +
                     " of the template has no ids");
    }
    for (const Json& id : *ids) {
      if (!id.is_number_unsigned() || id.get<uint64_t>() >= vocabulary_size_) {
        return invalid(processor_.where() + ": id " + printable(id.dump()) +
                       " of the template's token " + printable(name) + " is not in the vocabulary");
      }
      parts.push_back({TemplatePart::kToken, id.get<int32_t>(), static_cast<int32_t>(type)});
    }
    return {};
  }

  const JsonParts& processor_;
  size_t vocabulary_size_;
};

// Every text once.
Result<void> check_template(const JsonParts& processor, const std::vector<TemplatePart>& parts,
                            bool pair) {
  size_t first = 0, second = 0;
  for (const TemplatePart& part : parts) {
    first += part.kind == TemplatePart::kFirst ? 1 : 0;
    second += part.kind == TemplatePart::kSecond ? 1 : 0;
  }
  if (first > 1 || second > 1) return processor.refuse("a template that names its text twice");
  if (first + second != (pair ? 2u : 1u)) {
    return processor.refuse("a template without its text");
  }
  return {};
}

Result<PostProcessor> from_template(const JsonParts& processor, size_t vocabulary_size) {
  KT_TRY_VOID(processor.only({"type", "single", "pair", "special_tokens"}));
  const TemplateReader reader(processor, vocabulary_size);
  PostProcessor out;
  KT_TRY(out.single, reader.read("single"));
  KT_TRY_VOID(check_template(processor, out.single, false));
  if (!processor.find("pair")) return out;
  KT_TRY(out.pair, reader.read("pair"));
  KT_TRY_VOID(check_template(processor, out.pair, true));
  return out;
}

// ["[SEP]", 102]
Result<int32_t> named_token(const JsonParts& processor, std::string_view name,
                            size_t vocabulary_size) {
  const Json* token = processor.find(name);
  if (!token || !token->is_array() || token->size() != 2 || !(*token)[1].is_number_unsigned() ||
      (*token)[1].get<uint64_t>() >= vocabulary_size) {
    return invalid(processor.where() + ": " + std::string(name) +
                   " is not a token of the vocabulary with its id");
  }
  return (*token)[1].get<int32_t>();
}

Result<PostProcessor> from_sep_and_cls(const JsonParts& processor, bool roberta,
                                       size_t vocabulary_size) {
  KT_TRY_VOID(processor.only({"type", "sep", "cls", "trim_offsets", "add_prefix_space"}));
  KT_TRY(const int32_t sep, named_token(processor, "sep", vocabulary_size));
  KT_TRY(const int32_t cls, named_token(processor, "cls", vocabulary_size));
  const int32_t second = roberta ? 0 : 1;
  PostProcessor out;
  out.single = {{TemplatePart::kToken, cls, 0},
                {TemplatePart::kFirst, -1, 0},
                {TemplatePart::kToken, sep, 0}};
  out.pair = out.single;
  if (roberta) out.pair.push_back({TemplatePart::kToken, sep, 0});
  out.pair.push_back({TemplatePart::kSecond, -1, second});
  out.pair.push_back({TemplatePart::kToken, sep, second});
  return out;
}

}  // namespace

Result<PostProcessor> post_processor_from_json(const JsonParts& part, size_t vocabulary_size) {
  KT_TRY(const std::vector<JsonParts> steps, part.steps("processors"));
  PostProcessor out;
  bool filled = false;
  for (const JsonParts& step : steps) {
    KT_TRY(const std::string type, step.string_or("type", ""));
    if (type == "ByteLevel") continue;  // of offsets only
    const bool roberta = type == "RobertaProcessing";
    if (!roberta && type != "BertProcessing" && type != "TemplateProcessing") {
      return step.refuse("type " + printable(type));
    }
    if (filled) return step.refuse("more than one template");
    filled = true;
    KT_TRY(out, type == "TemplateProcessing" ? from_template(step, vocabulary_size)
                                             : from_sep_and_cls(step, roberta, vocabulary_size));
  }
  return out;
}

}  // namespace kilotoken
