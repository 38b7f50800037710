// Chat templates held to what Jinja2 and transformers make of them, byte for byte: the language's
// cases, published templates, and those of the made tokenizers. Prints per file how many cases are
// exact and fails on any that is not, or is missing.
//
// usage: kt_text_templates     (KILOTOKEN_TEST_DATA names the folder of the real data)

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "model/jinja/template.h"
#include "model/text/chat_template.h"
#include "model/text/template_source.h"
#include "model/text/tokenizer.h"

namespace kilotoken::test {
namespace {

constexpr int64_t kNoon_unix_s = 1752148800;  // 2025-07-10 12:00 UTC, the clock of the references

struct Tally {
  std::string file;
  int expected;  // how many cases the file is known to hold
  int cases = 0;
  int exact = 0;

  // `wanted` is null where the reference raises an error.
  void add(const std::string& name, const Result<std::string>& got, const std::string* wanted) {
    ++cases;
    const bool same = wanted == nullptr ? !got.ok() : got.ok() && *got == *wanted;
    exact += same ? 1 : 0;
    if (same) return;
    std::printf("%s: %s is not exact\n  wanted %s\n  got    %s\n", file.c_str(), name.c_str(),
                wanted == nullptr ? "an error" : OrderedJson(*wanted).dump().c_str(),
                got.ok() ? OrderedJson(*got).dump().c_str() : got.error().message.c_str());
  }

  bool report() const {
    std::printf("%-50s cases %3d, exact %3d, not exact %3d\n", file.c_str(), cases, exact,
                cases - exact);
    if (cases != expected) std::printf("FAILED: %s: %d cases expected\n", file.c_str(), expected);
    return cases == expected && exact == cases;
  }
};

OrderedJson read_json(const std::filesystem::path& path) {
  auto text = read_text_file(path);
  KT_CHECK(text.ok(), text.error().message);
  auto json = parse_ordered_json(*text, path.string());
  KT_CHECK(json.ok(), json.error().message);
  return std::move(*json);
}

const std::string* text_of(const OrderedJson& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : found->get_ptr<const std::string*>();
}

// What apply_chat_template is called with: whatever is no parameter of it is a variable.
Result<std::string> render(const std::string& source, SpecialTokens tokens,
                           const OrderedJson& data) {
  auto compiled = ChatTemplate::compile(source, std::move(tokens), "test");
  if (!compiled.ok()) return compiled.error();
  ChatInput input;
  input.extra = OrderedJson::object();
  input.now_unix_s = kNoon_unix_s;
  for (const auto& [name, value] : data.items()) {
    if (name == "messages") {
      input.messages = value;
    } else if (name == "tools") {
      input.tools = value;
    } else if (name == "add_generation_prompt") {
      input.add_generation_prompt = value.get<bool>();
    } else {
      input.extra[name] = value;
    }
  }
  return compiled->render(input);
}

// With these variables and no others.
Result<std::string> render_bare(const OrderedJson& source, const OrderedJson& variables) {
  auto parsed = jinja::Template::parse(source.get<std::string>(), "test");
  if (!parsed.ok()) return parsed.error();
  return (*parsed)->render(variables, kNoon_unix_s);
}

bool language_cases(const std::filesystem::path& data) {
  Tally tally{"chat_templates/language_cases.json", 104};
  for (const OrderedJson& each : read_json(data / tally.file)) {
    const auto got = render_bare(each.at("template"), each.at("context"));
    tally.add(each.at("name").get<std::string>(), got, text_of(each, "jinja2_output"));
  }
  return tally.report();
}

bool published_cases(const std::filesystem::path& data) {
  Tally tally{"chat_templates/e2e_cases.json", 31};
  const OrderedJson file = read_json(data / tally.file);
  for (const OrderedJson& each : file.at("cases")) {
    // The reference was not given what a case leaves out, as transformers would be.
    const auto got = render_bare(each.at("chat_template"), each.at("data"));
    tally.add(each.at("family").get<std::string>(), got, text_of(each, "jinja2_output"));
  }
  return tally.report();
}

bool permissive_cases(const std::filesystem::path& data) {
  const std::filesystem::path folder = data / "chat_templates";
  Tally tally{"chat_templates/permissive/renderings.json", 34};
  const OrderedJson renderings = read_json(data / tally.file);
  for (const auto& [name, contexts] : renderings.items()) {
    auto source = read_text_file(folder / "permissive" / (name + ".jinja"));
    KT_CHECK(source.ok(), source.error().message);
    for (const auto& [context, wanted] : contexts.items()) {
      const OrderedJson input = read_json(folder / "contexts" / (context + ".json"));
      const bool renders = wanted.at("ok").get<bool>();
      tally.add(name + ", " + context, render(*source, {}, input),
                renders ? text_of(wanted, "text") : nullptr);
    }
  }
  return tally.report();
}

Result<std::string> ids_of(const Tokenizer& tokenizer, const Result<std::string>& text) {
  if (!text.ok()) return text.error();
  KT_TRY(const std::vector<int32_t> ids, tokenizer.encode(*text, false));
  return Json(ids).dump();
}

// Each conversation's text, and the ids of that text.
bool made_cases(const std::filesystem::path& data, const std::string& tokenizer, int expected) {
  const std::filesystem::path folder = data / "tokenizers" / "made" / tokenizer;
  Tally tally{"tokenizers/made/" + tokenizer, expected};
  auto text = read_text_file(folder / "tokenizer_config.json");
  KT_CHECK(text.ok(), text.error().message);
  const auto config = parse_json(*text, "tokenizer_config.json");
  KT_CHECK(config.ok(), config.error().message);
  const auto sources = templates_from_config(*config, "tokenizer_config.json");
  KT_CHECK(sources.ok(), sources.error().message);
  const auto tokens = special_tokens_from_config(*config, nullptr, "tokenizer_config.json");
  KT_CHECK(tokens.ok(), tokens.error().message);
  const std::string tokenizer_file = (folder / "tokenizer.json").string();
  auto tokenizer_text = read_text_file(tokenizer_file);
  KT_CHECK(tokenizer_text.ok(), tokenizer_text.error().message);
  const auto tokenizer_json = parse_json(*tokenizer_text, tokenizer_file);
  KT_CHECK(tokenizer_json.ok(), tokenizer_json.error().message);
  const auto encoder = tokenizer_from_json(*tokenizer_json, tokenizer_file);
  KT_CHECK(encoder.ok(), encoder.error().message);
  const OrderedJson encodings = read_json(folder / "encodings.json");
  Tally ids_tally{tally.file + ", ids", 0};
  for (const OrderedJson& each : encodings.at("chat")) {
    const auto source = sources->choose("", false);
    KT_CHECK(source.ok(), source.error().message);
    OrderedJson input;
    input["messages"] = each.at("messages");
    input["add_generation_prompt"] = each.at("add_generation_prompt");
    const auto text_got = render(*source, *tokens, input);
    const std::string name = "chat case " + std::to_string(tally.cases);
    tally.add(name, text_got, text_of(each, "text"));
    if (text_of(each, "text") == nullptr) continue;  // no text, no ids
    ++ids_tally.expected;
    const std::string wanted = each.at("ids").dump();
    ids_tally.add(name, ids_of(**encoder, text_got), &wanted);
  }
  const bool good = tally.report();
  return ids_tally.report() && good;
}

int run() {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (data == nullptr) {
    std::printf("FAILED: KILOTOKEN_TEST_DATA is not set: it names the folder of the real data\n");
    return 1;
  }
  bool good = language_cases(data);
  good &= published_cases(data);
  good &= permissive_cases(data);
  for (const char* tokenizer :
       {"llama3_style", "qwen2_style", "llama2_style_legacy", "llama2_style_metaspace"}) {
    good &= made_cases(data, tokenizer, 14);
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace kilotoken::test

int main() { return kilotoken::test::run(); }
