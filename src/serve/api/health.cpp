// GET /health and /health/live: the process answers and its engine gets on with its work.
// GET /health/ready: it takes new work as well.

#include "serve/api/routes.h"

namespace kilotoken {
namespace {

HttpResponse status(int code, const char* word) {
  return json_response(code, R"({"status":")" + std::string(word) + R"("})");
}

bool stalled(const ApiContext& context) {
  const int64_t limit_ns = int64_t{context.config.stall_timeout_s} * 1'000'000'000;
  return context.model.engine().load().without_progress_ns > limit_ns;
}

}  // namespace

void answer_health(ApiContext& context, const HttpRequest&, const WriterPtr& writer) {
  writer->send(stalled(context) ? status(503, "stalled") : status(200, "ok"));
}

void answer_ready(ApiContext& context, const HttpRequest& request, const WriterPtr& writer) {
  if (context.draining) return writer->send(status(503, "draining"));
  if (stalled(context)) return answer_health(context, request, writer);
  writer->send(status(200, "ready"));
}

}  // namespace kilotoken
