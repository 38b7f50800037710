#pragma once
// For tests: a small tokenizer.json in the Llama layout, made here, to be changed part by part.

#include <cstdio>

#include "base/json.h"

namespace kilotoken {

// <unk> <s> </s>, the 256 bytes (3 to 258), then the pieces from 259 on in the order given.
inline Json made_tokenizer_json(const std::vector<std::string>& pieces,
                                const std::vector<std::pair<std::string, std::string>>& merges) {
  Json vocab = {{"<unk>", 0u}, {"<s>", 1u}, {"</s>", 2u}};
  uint32_t next = 3;
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    vocab[name] = next++;
  }
  for (const std::string& piece : pieces) vocab[piece] = next++;
  Json merge_list = Json::array();
  for (const auto& [left, right] : merges) merge_list.push_back({left, right});

  Json added = Json::array();
  const char* specials[] = {"<unk>", "<s>", "</s>"};
  for (uint32_t id = 0; id < 3; ++id) {
    added.push_back({{"id", id},
                     {"content", specials[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const auto replace = [](const char* from, const char* to) {
    return Json{{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
  };
  return {
      {"version", "1.0"},
      {"added_tokens", added},
      {"normalizer",
       {{"type", "Sequence"},
        {"normalizers",
         Json::array({{{"type", "Prepend"}, {"prepend", "\u2581"}}, replace(" ", "\u2581")})}}},
      {"pre_tokenizer", nullptr},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", Json::array({{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
                                {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}})},
        {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {1u}}}}}}}},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         Json::array({replace("\u2581", " "),
                      {{"type", "ByteFallback"}},
                      {{"type", "Fuse"}},
                      {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}})}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"vocab", vocab},
        {"merges", merge_list}}},
  };
}

}  // namespace kilotoken
