#pragma once
// Api: the OpenAI interface and its neighbours (health, metrics) over one served model. Routes are
// one table; each route is a file of this folder.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/http.h"
#include "serve/load/served_model.h"

namespace kilotoken {

struct ApiConfig {
  std::vector<std::string> served_model_names;  // the first is shown, all are accepted
  bool strict_params = false;                   // unknown parameters are refused, not only listed
};

class Api final : public HttpHandler {
 public:
  Api(ApiConfig config, ServedModel& model, MetricsRegistry& metrics, const Clock& clock);
  ~Api() override;

  void handle(HttpRequest request, std::shared_ptr<ResponseWriter> response) override;
  void drain();  // new work is answered 503, readiness too; what runs goes on

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kilotoken
