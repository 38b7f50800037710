#include "model/text/template_source.h"

#include <algorithm>
#include <array>

namespace kilotoken {
namespace {

constexpr std::array<std::string_view, 7> kTokenNames = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

// GGUF's names of the same ids: tokenizer.ggml.<name>_token_id.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kGgufIds = {
    {{"bos_token", "tokenizer.ggml.bos_token_id"},
     {"eos_token", "tokenizer.ggml.eos_token_id"},
     {"unk_token", "tokenizer.ggml.unknown_token_id"},
     {"sep_token", "tokenizer.ggml.seperator_token_id"},  // as GGUF spells it
     {"pad_token", "tokenizer.ggml.padding_token_id"},
     {"cls_token", "tokenizer.ggml.cls_token_id"},
     {"mask_token", "tokenizer.ggml.mask_token_id"}}};

Result<const std::string*> string_member(const Json& object, const std::string& name,
                                         const std::string& where) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (!object.is_object() || found == object.end() || !found->is_string()) {
    return invalid(where + ": every chat template needs a string \"" + name + "\"",
                   "chat_template");
  }
  return found->get_ptr<const std::string*>();
}

// A special token's text: a string, or an object with "content". Null if the file does not say.
Result<const std::string*> token_text(const Json& file, const std::string& name,
                                      const std::string& where) {
  const std::string* none = nullptr;
  if (!file.is_object()) return none;
  const auto found = file.find(name);
  if (found == file.end() || found->is_null()) return none;
  if (found->is_string()) return found->get_ptr<const std::string*>();
  if (found->is_object()) {
    const auto content = found->find("content");
    if (content != found->end() && content->is_string()) {
      return content->get_ptr<const std::string*>();
    }
  }
  return invalid(where + ": " + name + " must be a string or an object with \"content\"", name);
}

}  // namespace

const std::string* TemplateSources::find(std::string_view name) const {
  const auto found = std::find_if(by_name.begin(), by_name.end(),
                                  [&](const auto& each) { return each.first == name; });
  return found == by_name.end() ? nullptr : &found->second;
}

Result<std::string> TemplateSources::choose(std::string_view name, bool has_tools) const {
  const std::string* found = nullptr;
  if (!name.empty()) {
    found = find(name);
  } else {
    if (has_tools) found = find("tool_use");
    if (found == nullptr) found = find("default");
  }
  if (found != nullptr) return *found;
  const std::string wanted = name.empty() ? "default" : std::string(name);
  if (by_name.empty()) {
    return Error{ErrorCode::kNotFound,
                 "the model has no chat template; give one with --chat-template", "chat_template"};
  }
  std::string known;
  for (const auto& each : by_name) known += (known.empty() ? "" : ", ") + each.first;
  return Error{ErrorCode::kNotFound,
               "the model has no chat template named \"" + wanted + "\"; it has " + known,
               "chat_template"};
}

Result<TemplateSources> templates_from_config(const Json& tokenizer_config,
                                              std::string_view where) {
  TemplateSources out;
  const std::string file(where);
  if (!tokenizer_config.is_object()) return invalid(file + ": must be an object");
  const auto found = tokenizer_config.find("chat_template");
  if (found == tokenizer_config.end() || found->is_null()) return out;
  if (found->is_string()) {
    out.by_name.emplace_back("default", found->get<std::string>());
    return out;
  }
  if (!found->is_array()) {
    return invalid(file + ": chat_template must be a string or a list of named templates",
                   "chat_template");
  }
  for (const Json& each : *found) {
    KT_TRY(const std::string* name, string_member(each, "name", file));
    KT_TRY(const std::string* source, string_member(each, "template", file));
    if (out.find(*name) != nullptr) {
      return invalid(file + ": two chat templates have one name", "chat_template");
    }
    out.by_name.emplace_back(*name, *source);
  }
  return out;
}

Result<TemplateSources> templates_from_gguf(const GgufFile::Metadata& metadata,
                                            std::string_view where) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  TemplateSources out;
  for (auto at = metadata.lower_bound(kKey); at != metadata.end(); ++at) {
    std::string_view name = at->first;
    if (!name.starts_with(kKey)) break;
    name.remove_prefix(kKey.size());
    if (!name.empty() && name[0] != '.') continue;
    const auto* source = std::get_if<std::string>(&at->second.value);
    if (source == nullptr) {
      return invalid(std::string(where) + ": " + at->first + " must be a string", at->first);
    }
    out.by_name.emplace_back(name.empty() ? "default" : name.substr(1), *source);
  }
  return out;
}

Result<SpecialTokens> special_tokens_from_config(const Json& tokenizer_config,
                                                 const Json& special_tokens_map,
                                                 std::string_view where) {
  SpecialTokens out;
  for (const std::string_view name : kTokenNames) {
    KT_TRY(const std::string* text,
           token_text(tokenizer_config, std::string(name), std::string(where)));
    if (text == nullptr) {
      KT_TRY(text, token_text(special_tokens_map, std::string(name), "special_tokens_map.json"));
    }
    if (text != nullptr) out.emplace_back(name, *text);
  }
  return out;
}

Result<SpecialTokens> special_tokens_from_gguf(const GgufFile::Metadata& metadata,
                                               std::string_view where) {
  SpecialTokens out;
  const auto tokens = metadata.find("tokenizer.ggml.tokens");
  if (tokens == metadata.end()) return out;
  const auto* list = std::get_if<GgufArray>(&tokens->second.value);
  if (list == nullptr) {
    return invalid(std::string(where) + ": tokenizer.ggml.tokens must be an array");
  }
  for (const auto& [name, key] : kGgufIds) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) continue;
    const auto* id = std::get_if<int64_t>(&found->second.value);
    if (id == nullptr || *id < 0 || static_cast<size_t>(*id) >= list->size()) {
      return invalid(std::string(where) + ": " + found->first + " is no token of this vocabulary",
                     found->first);
    }
    const auto* text = std::get_if<std::string>(&(*list)[static_cast<size_t>(*id)].value);
    if (text == nullptr) {
      return invalid(std::string(where) + ": tokenizer.ggml.tokens must hold strings");
    }
    out.emplace_back(name, *text);
  }
  return out;
}

}  // namespace kilotoken
