// GET /version: which kilotoken answers.

#include "base/json.h"
#include "serve/api/routes.h"

namespace kilotoken {

void answer_version(ApiContext& context, const HttpRequest&, const WriterPtr& writer) {
  writer->send(json_response(200, OrderedJson{{"version", context.config.version}}.dump()));
}

}  // namespace kilotoken
