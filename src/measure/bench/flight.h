#pragma once
// Flight: one request on its way, from bytes to its record. Internal to the load client.

#include <memory>
#include <string>

#include "measure/bench/load_client.h"
#include "measure/bench/stream_event.h"
#include "net/sse_reader.h"

namespace kilotoken::bench {

class Flight final : public ClientHandler, private SseReader::Sink {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_tokens(int count) = 0;
    // The record is whole; `broken`: its connection is of no more use. The flight may be deleted
    // after this returns to the loop, not within.
    virtual void on_landed(Flight& flight, bool broken) = 0;
  };

  Flight(Owner& owner, size_t max_line_bytes) : owner_(owner), sse_(max_line_bytes) {}

  void on_sent(int64_t ns) override { record.sent_ns = ns; }
  void on_head(int status, const HttpHeaders& headers, int64_t ns) override;
  void on_body(std::string_view piece, int64_t ns) override;
  void on_end(ClientEnd end, const std::string& detail, int64_t ns) override;

  // From outside: time is up, or the run is.
  void give_up(Outcome outcome, std::string why, int64_t ns);

  RequestRecord record;
  HttpClient::Id id = 0;
  size_t session = 0;
  std::shared_ptr<Said> said;
  int64_t last_news_ns = 0;
  int64_t events = 0;

 private:
  void on_event(std::string_view data, std::string_view name) override;
  void note_tokens(const StreamEvent& event);
  void land(Outcome outcome, std::string why, bool broken);
  void land_answered();

  Owner& owner_;
  SseReader sse_;
  StreamEvent event_;
  std::string refusal_;  // the body of an answer that is no stream
  int64_t now_ns_ = 0;
  int64_t token_ids_ = 0;
  bool done_ = false, landed_ = false, streams_ = false;
};

// The message of an error body in OpenAI's shape, or the body's beginning; one line.
std::string error_text(std::string_view body);

}  // namespace kilotoken::bench
