#pragma once
// SseReader: the bytes of a text/event-stream to the data of its events, as the HTML standard
// describes it (lines end in LF, CRLF or CR; comments; several data lines are one event).

#include <string>
#include <string_view>

namespace kilotoken {

class SseReader {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    // Valid during the call. `name` is that of the event, mostly empty.
    virtual void on_event(std::string_view data, std::string_view name) = 0;
  };

  explicit SseReader(size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // False: a line is longer than allowed; nothing more is read.
  bool read(std::string_view bytes, Sink& sink);
  // An event that has begun and not ended: at the end of a stream, it was cut off.
  bool unfinished() const { return !line_.empty() || has_data_; }

 private:
  void on_line(std::string_view line, Sink& sink);

  const size_t max_line_bytes_;
  std::string line_;  // begun in an earlier piece
  std::string data_, name_;
  bool has_data_ = false, skip_newline_ = false;
};

}  // namespace kilotoken
