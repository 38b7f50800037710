// How fast a tokenizer.json encodes: a text in documents of about 2,000 bytes, as prompts come.
//
// usage: encode_speed TOKENIZER_JSON TEXT [THREADS]
// Prints megabytes a second (median of 5 passes; one before them is not counted) and the number of
// tokens of one pass.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/threads.h"
#include "model/text/tokenizer.h"

namespace kilotoken {
namespace {

constexpr size_t kDocumentBytes = 2000;
constexpr int kPasses = 5;

// Cut after a line where one ends, else anywhere between two characters.
std::vector<std::string_view> documents_of(std::string_view text) {
  std::vector<std::string_view> documents;
  while (!text.empty()) {
    size_t size = std::min(kDocumentBytes, text.size());
    if (size < text.size()) {
      const size_t line = text.rfind('\n', size - 1);
      if (line != text.npos && line > kDocumentBytes / 2) size = line + 1;
      while (size > 1 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    }
    documents.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return documents;
}

Result<void> measure(const char* tokenizer_path, const char* text_path, int threads) {
  KT_TRY(const std::string json_text, read_text_file(tokenizer_path));
  KT_TRY(const Json json, parse_json(json_text, tokenizer_path));
  KT_TRY(const std::unique_ptr<Tokenizer> tokenizer, tokenizer_from_json(json, tokenizer_path));
  KT_TRY(const std::string text, read_text_file(text_path));
  const std::vector<std::string_view> documents = documents_of(text);
  ThreadPool pool(threads);
  const SystemClock clock;
  std::vector<double> seconds;
  std::atomic<int64_t> tokens{0};
  std::atomic<bool> failed{false};
  for (int pass = 0; pass <= kPasses; ++pass) {
    tokens = 0;
    const int64_t began_ns = clock.now_ns();
    pool.run(static_cast<int64_t>(documents.size()), 8, [&](int, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto ids = tokenizer->encode(documents[static_cast<size_t>(i)], false);
        if (!ids.ok()) failed = true;
        tokens += ids.ok() ? static_cast<int64_t>(ids->size()) : 0;
      }
    });
    if (pass > 0) seconds.push_back(static_cast<double>(clock.now_ns() - began_ns) * 1e-9);
  }
  if (failed) return invalid(std::string(text_path) + ": a document cannot be encoded");
  std::ranges::nth_element(seconds, seconds.begin() + kPasses / 2);
  std::printf("%.3f %lld\n", static_cast<double>(text.size()) * 1e-6 / seconds[kPasses / 2],
              static_cast<long long>(tokens.load()));
  return {};
}

}  // namespace
}  // namespace kilotoken

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: encode_speed TOKENIZER_JSON TEXT [THREADS]\n");
    return 2;
  }
  const auto done = kilotoken::measure(argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 1);
  if (!done.ok()) std::fprintf(stderr, "encode_speed: %s\n", done.error().message.c_str());
  return done.ok() ? 0 : 1;
}
