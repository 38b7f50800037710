// GET / and /assets/...: the chat page and what it is made of. They hold no secret and are for
// everybody; what the page then asks for goes through the gate like any client's request.

#include "page/assets.h"
#include "serve/api/routes.h"

namespace kilotoken {
namespace {

// The page may run its own files and talk to this server, and nothing else: a model's answer that
// got past the sanitiser could still load nothing, send nothing and run nothing. Only the sanitiser
// may turn text into elements.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify";

// If-None-Match is a list of tags, each perhaps weak, or *.
bool names_tag(std::string_view list, std::string_view tag) {
  return list == "*" || list.find(tag) != list.npos;
}

}  // namespace

void answer_page(ApiContext&, const HttpRequest& request, const WriterPtr& writer) {
  const Asset* asset = find_asset(request.path);
  if (!asset) {
    return writer->send(error_response(
        404, "not_found_error", "there is no " + request.path + " here", {}, "unknown_route"));
  }
  HttpResponse response;
  // Asked for again each time and mostly answered 304: a new build shows at once.
  response.headers = {{"etag", std::string(asset->etag)},
                      {"cache-control", "no-cache"},
                      {"content-security-policy", kPolicy},
                      {"x-content-type-options", "nosniff"},
                      {"referrer-policy", "no-referrer"}};
  if (names_tag(request.header("if-none-match"), asset->etag)) {
    response.status = 304;
    return writer->send(std::move(response));
  }
  response.headers.emplace_back("content-type", asset->content_type);
  response.body = std::string(asset->bytes);
  writer->send(std::move(response));
}

}  // namespace kilotoken
