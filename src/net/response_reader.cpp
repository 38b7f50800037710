#include "net/response_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace kilotoken {
namespace {

constexpr size_t kMaxHeadBytes = 64 << 10;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, 60));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return "\"" + out + "\"";
}

}  // namespace

void ResponseReader::begin() { *this = ResponseReader(); }

Result<bool> ResponseReader::take_line(std::string_view& bytes) {
  const size_t end = bytes.find('\n');
  const std::string_view part = bytes.substr(0, end);
  head_bytes_ += part.size();
  if (head_bytes_ > kMaxHeadBytes) return invalid("a response's head of more than 64 KiB");
  line_.append(part);
  bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  if (end == std::string_view::npos) return false;
  if (line_.ends_with('\r')) line_.pop_back();
  return true;
}

Result<void> ResponseReader::read(std::string_view& bytes, Sink& sink) {
  while (!bytes.empty() && state_ != State::kDone) {
    if (state_ == State::kToEnd) {
      sink.on_body(bytes);
      bytes = {};
    } else if (state_ == State::kLength || state_ == State::kChunk) {
      const size_t count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      sink.on_body(bytes.substr(0, count));
      bytes.remove_prefix(count);
      left_ -= count;
      if (left_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kChunkEnd;
    } else {
      KT_TRY(const bool whole, take_line(bytes));
      if (!whole) return {};
      KT_TRY_VOID(on_line(sink));
      line_.clear();
    }
  }
  return {};
}

Result<void> ResponseReader::on_line(Sink& sink) {
  switch (state_) {
    case State::kStatus:
      return on_status_line();
    case State::kHeaders:
      return line_.empty() ? on_headers_end(sink) : on_header_line();
    case State::kChunkEnd:
      if (!line_.empty()) return invalid("a chunk is longer than it says");
      state_ = State::kSize;
      return {};
    case State::kSize:
      return on_chunk_size();
    default:
      if (line_.empty()) state_ = State::kDone;  // a trailer's end
      return {};
  }
}

Result<void> ResponseReader::on_status_line() {
  const std::string_view line = line_;
  const bool known = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  const char* digits = line.data() + 9;
  if (!known || line.size() < 12 ||
      std::from_chars(digits, digits + 3, status_).ptr != digits + 3 || status_ < 100) {
    return invalid("no HTTP/1.1 status line but " + shown(line));
  }
  keep_alive_ = line[7] == '1';
  state_ = State::kHeaders;
  return {};
}

Result<void> ResponseReader::on_header_line() {
  const size_t colon = line_.find(':');
  if (colon == 0 || colon == line_.npos) return invalid("no header line but " + shown(line_));
  std::string name = lower(std::string_view(line_).substr(0, colon));
  const std::string_view value = trimmed(std::string_view(line_).substr(colon + 1));
  if (name == "content-length") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), left_);
    if (error != std::errc{} || end != value.data() + value.size()) {
      return invalid("content-length is " + shown(value));
    }
    has_length_ = true;
  } else if (name == "transfer-encoding") {
    if (lower(value) != "chunked") return invalid("transfer-encoding is " + shown(value));
    chunked_ = true;
  } else if (name == "connection") {
    if (lower(value).find("close") != std::string::npos) keep_alive_ = false;
    if (lower(value).find("keep-alive") != std::string::npos) keep_alive_ = true;
  }
  headers_.emplace_back(std::move(name), std::string(value));
  return {};
}

Result<void> ResponseReader::on_headers_end(Sink& sink) {
  if (status_ < 200) {  // "100 Continue" comes before the response itself
    begin();
    return {};
  }
  if (status_ == 204 || status_ == 304) {
    state_ = State::kDone;
  } else if (chunked_) {
    state_ = State::kSize;
  } else if (has_length_) {
    state_ = left_ > 0 ? State::kLength : State::kDone;
  } else {
    state_ = State::kToEnd;
    keep_alive_ = false;
  }
  sink.on_head(status_, headers_);
  return {};
}

Result<void> ResponseReader::on_chunk_size() {
  const std::string_view text = trimmed(std::string_view(line_).substr(0, line_.find(';')));
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), left_, 16);
  if (error != std::errc{} || end != text.data() + text.size() || left_ >> 62 != 0) {
    return invalid("no chunk size but " + shown(line_));
  }
  head_bytes_ = 0;
  state_ = left_ > 0 ? State::kChunk : State::kTrailer;
  return {};
}

bool ResponseReader::end_of_input() {
  if (state_ == State::kToEnd) state_ = State::kDone;
  return state_ == State::kDone;
}

}  // namespace kilotoken
