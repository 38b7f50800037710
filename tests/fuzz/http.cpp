// The bytes of a connection, as far as a route: requests one after another, the route of each, and
// the gate before it, with keys and without. The first byte is the size of the pieces in which the
// rest arrives; where a request ends, and what it is, does not depend on it.

#include <algorithm>

#include "base/json.h"
#include "fuzz_target.h"
#include "net/request_reader.h"
#include "serve/api/gate.h"

namespace kilotoken {
namespace {

using State = RequestReader::State;

constexpr RequestLimits kLimits{
    .max_header_bytes = 512, .max_header_count = 8, .max_body_bytes = 256};
constexpr std::string_view kKey = "sk-fuzz";

void check_response(const HttpResponse& response) {
  const int statuses[] = {204, 401, 403, 404, 405};
  KT_CHECK(std::ranges::count(statuses, response.status) == 1);
  for (const auto& [name, value] : response.headers) {
    const bool breaks =
        (name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
    KT_CHECK(!breaks, "a header is one line");
  }
  if (response.status == 204) return;
  const auto body = parse_json(response.body, "answer");
  KT_CHECK(body.ok() && body->at("error").at("message").is_string());
}

bool has_key(const HttpRequest& request) {
  return request.header("authorization").find(kKey) != std::string_view::npos ||
         request.header("x-api-key").find(kKey) != std::string_view::npos;
}

void check_gate(const HttpRequest& request, const ApiConfig& config) {
  const Route* route = find_route(request.path);
  const Gate gate(config);
  auto stopped = gate.stop(request, route);
  if (stopped) {
    gate.cors().add_headers(request, stopped->headers);
    return check_response(*stopped);
  }
  KT_CHECK(route, "a request without a route goes no further");
  KT_CHECK(request.method == route->method || (request.method == "HEAD" && route->method == "GET"));
  KT_CHECK(config.api_keys.empty() || route->open || has_key(request), "it is asked for a key");
}

void check_request(const HttpRequest& request) {
  KT_CHECK(request.headers.size() <= kLimits.max_header_count);
  KT_CHECK(request.body.size() <= kLimits.max_body_bytes);
  KT_CHECK(percent_decoded(request.path).size() <= request.path.size());
  check_gate(request, {});
  ApiConfig closed;
  closed.api_keys = {std::string(kKey)};
  closed.cors.allowed_origins = {"https://a.example"};
  check_gate(request, closed);
}

// Takes one request off the front of `bytes`, which arrive in pieces.
State read(RequestReader& reader, std::string_view& bytes, size_t piece) {
  std::string arrived;
  State state = State::kMore;
  while (state == State::kMore && !bytes.empty()) {
    const size_t count = std::min(piece, bytes.size());
    arrived += bytes.substr(0, count);
    bytes.remove_prefix(count);
    state = reader.put(arrived);
    KT_CHECK(!reader.wants_continue() || reader.header_done());
  }
  bytes = {bytes.data() - arrived.size(), bytes.size() + arrived.size()};
  return state;
}

bool same(const HttpRequest& a, const HttpRequest& b) {
  return a.method == b.method && a.path == b.path && a.query == b.query && a.headers == b.headers &&
         a.body == b.body;
}

void run(std::string_view whole, size_t piece) {
  std::string_view parts = whole;
  State state = State::kDone;
  while (state == State::kDone && !whole.empty()) {
    RequestReader at_once(kLimits), in_pieces(kLimits);
    state = read(at_once, whole, whole.size());
    // Near a limit, or when broken, a request may be refused sooner or later.
    const State other = read(in_pieces, parts, piece);
    const bool done = state == State::kDone && other == State::kDone;
    KT_CHECK(done || (state != State::kDone && other != State::kDone) || state == State::kRefused ||
                 other == State::kRefused,
             "pieces make no difference");
    if (state == State::kRefused) {
      KT_CHECK(at_once.status() >= 400 && at_once.status() < 500 && !at_once.message().empty());
    }
    const HttpRequest request = at_once.take();
    if (!done) return check_gate(request, {});  // its route is looked up all the same
    KT_CHECK(parts.size() == whole.size(), "both end in one place");
    KT_CHECK(same(request, in_pieces.take()), "and are one request");
    check_request(request);
    if (!at_once.keep_alive()) return;
  }
}

}  // namespace
}  // namespace kilotoken

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  kilotoken::run(bytes.substr(1), std::max<size_t>(1, data[0]));
  return 0;
}
