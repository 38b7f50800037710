#include "net/sse_reader.h"

namespace kilotoken {

bool SseReader::read(std::string_view bytes, Sink& sink) {
  while (!bytes.empty()) {
    if (skip_newline_ && bytes.front() == '\n') bytes.remove_prefix(1);
    skip_newline_ = false;
    const size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > max_line_bytes_) return false;
    if (end == bytes.npos) {
      line_.append(part);
      return true;
    }
    skip_newline_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      on_line(part, sink);
    } else {
      line_.append(part);
      const std::string line = std::move(line_);
      line_.clear();
      on_line(line, sink);
    }
  }
  return true;
}

void SseReader::on_line(std::string_view line, Sink& sink) {
  if (line.empty()) {
    if (has_data_) sink.on_event(data_, name_);
    has_data_ = false;
    data_.clear();
    name_.clear();
    return;
  }
  const size_t colon = line.find(':');
  if (colon == 0) return;  // a comment, as servers send to keep a connection open
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == line.npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) data_.push_back('\n');
    data_.append(value);
    has_data_ = true;
  } else if (field == "event") {
    name_ = value;
  }
}

}  // namespace kilotoken
