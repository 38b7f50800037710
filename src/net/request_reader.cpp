#include "net/request_reader.h"

#include <utility>

#include "net/asio.h"

namespace kilotoken {

namespace http = boost::beast::http;

namespace {

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// A chunked body ends in "0", two line ends and no less: nothing that comes before is held up by
// waiting for as many bytes. Beast's parser takes it for granted (it asserts) that they are there
// when it meets a last chunk for the second time.
constexpr size_t kLastChunkBytes = 5;

}  // namespace

struct RequestReader::Parser {
  http::request_parser<http::string_body, std::allocator<char>> beast;

  const auto& message() const { return beast.get(); }
  bool in_chunks() const { return beast.is_header_done() && beast.chunked(); }
  size_t header_count() const {
    return static_cast<size_t>(std::distance(message().begin(), message().end()));
  }
};

RequestReader::RequestReader(const RequestLimits& limits)
    : limits_(limits), parser_(std::make_unique<Parser>()) {
  parser_->beast.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
  parser_->beast.body_limit(limits.max_body_bytes);
  parser_->beast.eager(true);
}

RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::refuse(int status, std::string message) {
  status_ = status;
  message_ = std::move(message);
  return State::kRefused;
}

RequestReader::State RequestReader::put(std::string& bytes) {
  if (status_ != 0) return State::kRefused;
  boost::system::error_code error;
  size_t used = 0;
  while (!error && used < bytes.size() && !parser_->beast.is_done()) {
    if (parser_->in_chunks() && bytes.size() - used < kLastChunkBytes) break;
    used += parser_->beast.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used),
                               error);
  }
  bytes.erase(0, used);
  if (error == http::error::header_limit) {
    return refuse(431, "the request's header is larger than " +
                           std::to_string(limits_.max_header_bytes) + " bytes");
  }
  if (error == http::error::body_limit) {
    return refuse(413, "the request's body is larger than " +
                           std::to_string(limits_.max_body_bytes) + " bytes");
  }
  if (error && error != http::error::need_more) {
    return refuse(400, "not a well-formed HTTP request: " + error.message());
  }
  if (parser_->header_count() > limits_.max_header_count) {
    return refuse(431, "the request has more than " + std::to_string(limits_.max_header_count) +
                           " header fields");
  }
  return parser_->beast.is_done() ? State::kDone : State::kMore;
}

bool RequestReader::begun() const { return parser_->beast.got_some(); }
bool RequestReader::header_done() const { return parser_->beast.is_header_done(); }

bool RequestReader::wants_continue() const {
  return header_done() && is_http11() &&
         boost::beast::iequals(parser_->message()[http::field::expect], "100-continue");
}

HttpRequest RequestReader::take() {
  HttpRequest request;
  const auto& message = parser_->message();
  request.method = view(message.method_string());
  std::string_view target = view(message.target());
  if (target.starts_with("http://")) {  // the absolute form, as sent to proxies
    const size_t slash = target.find('/', 7);
    target = slash == target.npos ? "/" : target.substr(slash);
  }
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != target.npos) request.query = target.substr(question + 1);
  for (const auto& field : message) {
    request.headers.emplace_back(view(field.name_string()), view(field.value()));
  }
  request.body = std::move(parser_->beast.get().body());
  return request;
}

bool RequestReader::is_head() const { return parser_->message().method() == http::verb::head; }
bool RequestReader::is_http11() const { return parser_->message().version() >= 11; }
bool RequestReader::keep_alive() const { return parser_->message().keep_alive(); }

}  // namespace kilotoken
