// GET /health and /health/live: the process answers. GET /health/ready: it takes new work.

#include "serve/api/routes.h"

namespace kilotoken {

void answer_health(ApiContext&, const HttpRequest&, const WriterPtr& writer) {
  writer->send(json_response(200, R"({"status":"ok"})"));
}

void answer_ready(ApiContext& context, const HttpRequest&, const WriterPtr& writer) {
  if (context.draining) {
    return writer->send(json_response(503, R"({"status":"draining"})"));
  }
  writer->send(json_response(200, R"({"status":"ready"})"));
}

}  // namespace kilotoken
