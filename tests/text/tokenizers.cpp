// Every tokenizer of the test data: ids, texts and pairs as the reference engines have them. One
// line for each, and a failure for any case that is not exact or not there.
//
// usage: kt_tokenizers     (KILOTOKEN_TEST_DATA names the folder of reference tokenizers)

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "model/text/formats/sentencepiece_model.h"
#include "model/text/formats/vocabulary_files.h"
#include "text/score.h"

namespace kilotoken::test {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Tokenizer> from_json(const fs::path& path) {
  return taken(tokenizer_from_json(read_json(path), path.string()));
}

std::unique_ptr<Tokenizer> from_gguf(const fs::path& path) {
  auto file = open_gguf(path);
  KT_CHECK(file.ok(), file.error().message);
  return taken(tokenizer_from_gguf(**file, path.string()));
}

// 500 texts that llama-server tokenized, and prompts with what HF transformers answered.
bool stories(const std::string& name, const Tokenizer& tokenizer, const fs::path& data) {
  Score score(name);
  const Json cases = read_json(data / "stories260K/reference/tokenize_500.json");
  for (const Json& entry : cases) {
    score.ids(entry["text"], tokenizer.encode(entry["text"].get<std::string>(), true),
              entry["ids"]);
  }
  const Json prompts = read_json(data / "stories260K/reference/reference.json");
  for (const Json& entry : prompts) {
    Ids ids = entry["ids"];
    score.ids(entry["prompt"], tokenizer.encode(entry["prompt"].get<std::string>(), true), ids);
    for (const int32_t id : entry["greedy_ids"].get<Ids>()) ids.push_back(id);
    score.text(tokenizer, ids, true, entry["greedy_text"]);
  }
  return score.report(static_cast<int>(cases.size() + 2 * prompts.size()));
}

// What transformers' clean_up_tokenization_spaces does to a decoded text.
std::string cleaned_up(std::string text) {
  const std::pair<std::string, std::string> rules[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : rules) {
    for (size_t at; (at = text.find(from)) != std::string::npos;) text.replace(at, from.size(), to);
  }
  return text;
}

struct Published {
  const char* name;  // in expected_encodings.json
  const char* path;
  bool cleaned_up;  // the reference's text is
  int bos;          // what the reference puts in front of the ids; -1: nothing
};

bool published(const Published& tokenizer_of, const Tokenizer& tokenizer, const Json& all) {
  Score score(tokenizer_of.name);
  const Json& cases = all.at(tokenizer_of.name);
  for (const auto& [name, entry] : cases.items()) {
    Ids ids = entry["ids"];
    const std::string text = tokenizer.decode(ids, false);
    score.equal(name, tokenizer_of.cleaned_up ? cleaned_up(text) : text, entry["decoded"]);
    if (tokenizer_of.bos >= 0) {
      KT_CHECK_EQ(ids.front(), tokenizer_of.bos);
      ids.erase(ids.begin());
    }
    score.ids(entry["text"], tokenizer.encode(entry["text"].get<std::string>(), true), ids);
  }
  return score.report(2 * static_cast<int>(cases.size()));
}

// Texts in one file, lines of ids in the other (llama.cpp's tokenizer tests).
bool gguf_vocabulary(const std::string& name, const Tokenizer& tokenizer, const fs::path& path) {
  Score score(name);
  const std::string texts = read_text(path.string() + ".inp");
  std::istringstream lines(read_text(path.string() + ".out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  int expected_cases = 0;
  size_t at = 0;
  for (std::string line; std::getline(lines, line); ++expected_cases) {
    std::istringstream numbers(line);
    Ids ids;
    for (int32_t id = 0; numbers >> id;) ids.push_back(id);
    const size_t end = std::min(texts.find(separator, at), texts.size());
    if (at > texts.size()) break;
    score.ids(texts.substr(at, end - at), tokenizer.encode(texts.substr(at, end - at), false), ids);
    at = end + separator.size();
  }
  return score.report(expected_cases);
}

bool mistral(const std::string& name, const Tokenizer& tokenizer, const fs::path& folder) {
  Score score(name);
  const Json cases = read_json(folder / "encodings.json")["entries"];
  for (const Json& entry : cases) {
    const std::string text = entry["text"];
    score.ids(text, tokenizer.encode(text, false), entry["ids"]);
    score.ids(text, tokenizer.encode(text, true), entry["ids_special"]);
    score.text(tokenizer, entry["ids"].get<Ids>(), false, entry["decode"]);
  }
  return score.report(3 * static_cast<int>(cases.size()));
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// Mistral's own samples: the text is its tokens written one after the other, so a space after a
// control token is the one that the tokenizer puts there itself. Those of v1 are of a vocabulary
// that the data does not hold.
bool mistral_samples(const Tokenizer& tokenizer, const fs::path& folder) {
  Score score("Mistral's samples, tokenizer.model");
  int expected_cases = 0;
  for (const auto& sample : fs::directory_iterator(folder)) {
    for (const std::string version : {"v2", "v3"}) {
      const Json expected = read_json(sample.path() / ("tokens_" + version + ".json"));
      std::string text = read_text(sample.path() / ("text_" + version + ".txt"));
      replace_all(text, "\u2581", " ");
      replace_all(text, "<0x0A>", "\n");
      for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
        const std::string token(tokenizer.token(id));
        if (tokenizer.is_special(id)) replace_all(text, token + " ", token);
      }
      score.ids(text, tokenizer.encode(text, false), expected["tokens"]);
      ++expected_cases;
    }
  }
  return expected_cases >= 6 && score.report(expected_cases);
}

void made_case(const Tokenizer& tokenizer, const Json& entry, Score& score) {
  const std::string text = entry["text"], decoded = entry["decoded"];
  const Ids ids = entry["ids"], bare = entry.value("ids_no_special", ids);
  const Ids as_text = entry.value("ids_specials_as_text", bare);
  score.ids(text, tokenizer.encode(text, true), ids);
  score.ids(text, tokenizer.encode(text, false), bare);
  score.ids(text, tokenizer.encode(text, {.add_special_tokens = false, .specials_as_text = true}),
            as_text);
  score.text(tokenizer, bare, false, decoded);
  score.text(tokenizer, bare, true, entry.value("decoded_skip_special", decoded));
}

// Two texts, then their ids and types; chats, whose text has all its special tokens written out.
bool made(const fs::path& folder, const std::string& file, const Tokenizer& tokenizer) {
  Score score("made/" + folder.filename().string() + ", " + file);
  const Json all = read_json(folder / "encodings.json");
  int expected_cases = 5 * static_cast<int>(all["cases"].size());
  for (const Json& entry : all["cases"]) made_case(tokenizer, entry, score);
  for (const Json& entry : all["pairs"]) {
    const std::string first = entry[0], second = entry[1];
    const auto pair = tokenizer.encode_pair(first, second, {});
    KT_CHECK(pair.ok(), pair.error().message);
    score.ids(first + "|" + second, pair->ids, entry[2]);
    score.ids("types of " + first + "|" + second, pair->types, entry[3]);
    expected_cases += 2;
  }
  for (const Json& entry : all["chat"]) {
    if (!entry.contains("ids")) continue;
    const std::string text = entry["text"];
    score.ids(text, tokenizer.encode(text, false), entry["ids"]);
    ++expected_cases;
  }
  return score.report(expected_cases);
}

// The .model file that the made Llama 2 tokenizers come from, read as `folder` is configured.
bool made_sentencepiece(const fs::path& made_folder, const char* folder) {
  const fs::path file = made_folder / "llama2_style_legacy/tokenizer.model";
  const Json config = read_json(made_folder / folder / "tokenizer_config.json");
  const auto tokenizer =
      taken(tokenizer_from_sentencepiece(read_text(file), config, file.string()));
  return made(made_folder / folder, "tokenizer.model", *tokenizer);
}

bool sentencepiece_files(const fs::path& folder) {
  bool exact = made_sentencepiece(folder / "made", "llama2_style_legacy");
  exact &= made_sentencepiece(folder / "made", "llama2_style_metaspace");
  const fs::path mistral_folder = folder / "mistral_v3";
  const std::string file = read_text(mistral_folder / "mistral_instruct_tokenizer_240323.model.v3");
  const auto as_hf = taken(tokenizer_from_sentencepiece(file, {{"legacy", false}}, "Mistral's v3"));
  exact &= mistral("Mistral 7B v0.3, tokenizer.model", *as_hf, mistral_folder / "hf_v0.3");
  const auto own = taken(tokenizer_from_sentencepiece(file, Json(), "Mistral's v3"));
  return mistral_samples(*own, mistral_folder / "samples") && exact;
}

int run(const fs::path& data) {
  const fs::path folder = data / "tokenizers";
  bool exact = stories("stories260K, tokenizer.json",
                       *from_json(data / "stories260K/hf/tokenizer.json"), data);
  exact &= stories("stories260K, GGUF", *from_gguf(data / "stories260K/gguf/stories260K-f32.gguf"),
                   data);
  const Json encodings = read_json(folder / "expected_encodings.json");
  for (const Published& row :
       {Published{"Xenova/clip-vit-base-patch16", "hf/clip/tokenizer.json", true, -1},
        Published{"Xenova/llama-tokenizer", "hf/phi-3-mini/tokenizer.json", false, 1}}) {
    exact &= published(row, *from_json(folder / row.path), encodings);
  }
  const auto gpt2_files = taken(tokenizer_from_vocab_and_merges(
      read_json(folder / "hf/gpt2/gpt2.vocab"), read_text(folder / "hf/gpt2/gpt2.merges.txt"),
      Json(), "gpt2.vocab"));
  for (const char* name : {"Xenova/gpt2", "openai-community/gpt2"}) {
    exact &= published({name, "", true, -1}, *gpt2_files, encodings);
  }
  const auto cl100k = taken(tokenizer_from_tiktoken(
      read_text(folder / "hf/cl100k/cl100k_base.tiktoken"), "cl100k",
      read_json(folder / "hf/cl100k/tokenizer_config.json"), "cl100k_base.tiktoken"));
  exact &= published({"Xenova/gpt-4", "", false, -1}, *cl100k, encodings);
  const fs::path phi3 = folder / "gguf/ggml-vocab-phi-3.gguf";
  exact &= gguf_vocabulary("phi-3, GGUF", *from_gguf(phi3), phi3);
  exact &= gguf_vocabulary("phi-3, tokenizer.json",
                           *from_json(folder / "hf/phi-3-mini/tokenizer.json"), phi3);
  const fs::path gpt2 = folder / "gguf/ggml-vocab-gpt-2.gguf";
  exact &= gguf_vocabulary("gpt-2, GGUF", *from_gguf(gpt2), gpt2);
  const fs::path mistral_json = folder / "mistral_v3/hf_v0.3";
  exact &= mistral("Mistral 7B v0.3, tokenizer.json", *from_json(mistral_json / "tokenizer.json"),
                   mistral_json);
  exact &= sentencepiece_files(folder);
  for (const auto& entry : fs::directory_iterator(folder / "made")) {
    if (!entry.is_directory()) continue;
    exact &= made(entry.path(), "tokenizer.json", *from_json(entry.path() / "tokenizer.json"));
  }
  return exact ? 0 : 1;
}

}  // namespace
}  // namespace kilotoken::test

int main() {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) {
    std::printf("tokenizers: skipped, KILOTOKEN_TEST_DATA is not set\n");
    return 0;
  }
  return kilotoken::test::run(data);
}
