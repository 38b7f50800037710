// GET /version: which kilotoken answers, and with which settings in force.

#include "base/json.h"
#include "serve/api/routes.h"

namespace kilotoken {

void answer_version(ApiContext& context, const HttpRequest&, const WriterPtr& writer) {
  const OrderedJson answer = {{"version", context.config.version},
                              {"configuration", context.model.configuration()}};
  writer->send(json_response(200, answer.dump()));
}

}  // namespace kilotoken
