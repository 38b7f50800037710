#include "model/text/formats/split_patterns.h"

namespace kilotoken {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kCl100k =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kO200k =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::string_view kGpt2List[] = {kGpt2};
constexpr std::string_view kCl100kList[] = {kCl100k};
constexpr std::string_view kQwen2List[] = {kQwen2};
constexpr std::string_view kO200kList[] = {kO200k};
constexpr std::string_view kTekkenList[] = {kTekken};
constexpr std::string_view kDigitsList[] = {R"(\p{N})", kGpt2};
constexpr std::string_view kDefaultList[] = {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, R"(\p{N}+)",
                                             "[0-9][0-9][0-9]"};
constexpr std::string_view kFalconList[] = {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, "[0-9][0-9][0-9]"};
constexpr std::string_view kDeepseekCoderList[] = {"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)",
                                                   "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
                                                   R"(\p{N})"};
constexpr std::string_view kDeepseekV3List[] = {
    R"(\p{N}{1,3})", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

constexpr struct {
  std::string_view name;
  SplitPatterns patterns;
} kNames[] = {
    {"default", {kDefaultList}},
    {"gpt-2", {kGpt2List}},
    {"phi-2", {kGpt2List}},
    {"mpt", {kGpt2List}},
    {"olmo", {kGpt2List}},
    {"jais", {kGpt2List}},
    {"roberta-bpe", {kGpt2List}},
    {"jina-v2-en", {kGpt2List}},
    {"jina-v2-code", {kGpt2List}},
    {"llama3", {kCl100kList, true}},
    {"llama-v3", {kCl100kList, true}},
    {"llama-bpe", {kCl100kList, true}},
    {"cl100k", {kCl100kList, true}},
    {"dbrx", {kCl100kList}},
    {"smaug-bpe", {kCl100kList}},
    {"qwen2", {kQwen2List}},
    {"stablelm2", {kQwen2List}},
    {"deepseek-r1-qwen", {kQwen2List}},
    {"gpt-4o", {kO200kList}},
    {"o200k", {kO200kList, true}},
    {"llama4", {kO200kList}},
    {"tekken", {kTekkenList, true}},
    {"starcoder", {kDigitsList}},
    {"refact", {kDigitsList}},
    {"command-r", {kDigitsList}},
    {"smollm", {kDigitsList}},
    {"codeshell", {kDigitsList}},
    {"falcon", {kFalconList}},
    {"deepseek-coder", {kDeepseekCoderList}},
    {"deepseek-v3", {kDeepseekV3List}},
};

}  // namespace

std::optional<SplitPatterns> split_patterns(std::string_view name) {
  for (const auto& row : kNames) {
    if (row.name == name) return row.patterns;
  }
  return std::nullopt;
}

}  // namespace kilotoken
