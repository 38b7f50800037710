#pragma once
// ResponseReader: bytes of a connection to the head and body of one HTTP/1.1 response at a time.
// Pieces of the body are handed on as they come, without a copy.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace kilotoken {

class ResponseReader {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void on_head(int status, const HttpHeaders& headers) = 0;  // names in lower case
    virtual void on_body(std::string_view piece) = 0;
  };

  void begin();  // for the next response of the connection

  // Takes bytes up to the end of the response; the rest stays in `bytes`. kInvalid: what comes is
  // no HTTP.
  Result<void> read(std::string_view& bytes, Sink& sink);
  // The connection has ended. True if the response is whole by that.
  bool end_of_input();

  bool complete() const { return state_ == State::kDone; }
  bool keep_alive() const { return keep_alive_; }

 private:
  enum class State {
    kStatus,
    kHeaders,
    kLength,
    kToEnd,
    kSize,
    kChunk,
    kChunkEnd,
    kTrailer,
    kDone
  };
  Result<bool> take_line(std::string_view& bytes);  // true: line_ is whole
  Result<void> on_line(Sink& sink);
  Result<void> on_status_line();
  Result<void> on_header_line();
  Result<void> on_headers_end(Sink& sink);
  Result<void> on_chunk_size();

  State state_ = State::kStatus;
  std::string line_;
  size_t head_bytes_ = 0;
  bool keep_alive_ = true, chunked_ = false, has_length_ = false;
  int status_ = 0;
  uint64_t left_ = 0;
  HttpHeaders headers_;
};

}  // namespace kilotoken
