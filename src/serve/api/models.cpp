// GET /v1/models, and one of them: /v1/models/NAME.

#include "base/json.h"
#include "serve/api/routes.h"

namespace kilotoken {
namespace {

constexpr std::string_view kPath = "/v1/models";

OrderedJson model_json(const ApiContext& context, const std::string& name) {
  return {{"id", name},
          {"object", "model"},
          {"created", context.started_unix_s},
          {"owned_by", "kilotoken"},
          {"root", name},
          {"parent", nullptr},
          {"max_model_len", context.model.max_model_len()}};
}

}  // namespace

bool ApiContext::serves(std::string_view model_name) const {
  for (const std::string& name : config.served_model_names) {
    if (name == model_name) return true;
  }
  return false;
}

void answer_models(ApiContext& context, const HttpRequest& request, const WriterPtr& writer) {
  if (request.path.size() > kPath.size() + 1) {
    // Names with a slash come as they are, or percent-encoded.
    const std::string name = percent_decoded(request.path.substr(kPath.size() + 1));
    return writer->send(context.serves(name) ? json_response(200, model_json(context, name).dump())
                                             : model_not_found(name));
  }
  OrderedJson data = OrderedJson::array();
  for (const std::string& name : context.config.served_model_names) {
    data.push_back(model_json(context, name));
  }
  writer->send(json_response(200, OrderedJson{{"object", "list"}, {"data", data}}.dump()));
}

}  // namespace kilotoken
