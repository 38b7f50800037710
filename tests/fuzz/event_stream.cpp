// What a server answers to the benchmark's client: the bytes of one response, through the readers
// of HTTP, of event streams and of the events' JSON, into the record of a request. The first byte
// is the size of the pieces in which the rest arrives; what is recorded does not depend on it.

#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "fuzz_target.h"
#include "measure/bench/flight.h"
#include "net/response_reader.h"

namespace kilotoken::bench {
namespace {

class Exchange final : Flight::Owner, ResponseReader::Sink {
 public:
  explicit Exchange(int64_t start_ns) {
    reader_.begin();
    flight_.record.start_ns = now_ns_ = start_ns;
  }

  RequestRecord read(std::string_view bytes, size_t piece) {
    bool good = true;
    while (good && !bytes.empty() && !landed_ && !reader_.complete()) {
      const std::string_view part = bytes.substr(0, piece);
      std::string_view rest = part;
      ++now_ns_;
      good = reader_.read(rest, *this).ok();
      bytes.remove_prefix(part.size() - rest.size());
    }
    const bool whole = reader_.complete() || (good && reader_.end_of_input());
    if (!landed_) {
      flight_.on_end(!good   ? ClientEnd::kBroken
                     : whole ? ClientEnd::kComplete
                             : ClientEnd::kClosed,
                     "what the reader said", now_ns_);
    }
    KT_CHECK(landed_, "every request ends");
    return std::move(flight_.record);
  }

 private:
  void on_head(int status, const HttpHeaders& headers) override {
    flight_.on_head(status, headers, now_ns_);
  }
  void on_body(std::string_view piece) override {
    if (!landed_) flight_.on_body(piece, now_ns_);
  }
  void on_tokens(int count) override { KT_CHECK(count > 0); }
  void on_landed(Flight&, bool) override {
    KT_CHECK(!landed_, "once");
    landed_ = true;
  }

  Flight flight_{*this, size_t{1} << 20};
  ResponseReader reader_;
  int64_t now_ns_ = 0;
  bool landed_ = false;
};

void check(const RequestRecord& record) {
  KT_CHECK(record.ok() == record.error.empty(), "what failed says why");
  KT_CHECK(record.error.find('\n') == std::string::npos, "in one line");
  KT_CHECK(record.issued() && record.outcome != Outcome::kDropped);
  KT_CHECK(record.content_events <= static_cast<int64_t>(record.chunks.size()));
  if (record.ok()) KT_CHECK(record.status == 200);
  for (const Chunk& chunk : record.chunks) KT_CHECK(chunk.tokens >= 0);
}

// An event's JSON by itself: what is JSON's to the library is no surprise to the one walk over it.
void check_event(std::string_view text) {
  StreamEvent event;
  if (!parse_stream_event(text, event)) return;
  std::string said;
  append_unescaped(event.text, said);
  append_unescaped(event.reasoning, said);
  KT_CHECK(said.size() <= text.size() * 3);
}

}  // namespace
}  // namespace kilotoken::bench

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken::bench;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const RequestRecord whole = Exchange(1000).read(bytes, std::max<size_t>(bytes.size(), 1));
  const RequestRecord parts = Exchange(1000).read(bytes, std::max<size_t>(1, data[0]));
  check(whole);
  KT_CHECK(whole.outcome == parts.outcome, "pieces make no difference");
  KT_CHECK(whole.text == parts.text && whole.chunks.size() == parts.chunks.size());
  KT_CHECK(whole.output_tokens == parts.output_tokens && whole.source == parts.source);
  check_event(bytes);
  return 0;
}
