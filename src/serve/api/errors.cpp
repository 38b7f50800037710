// Errors in OpenAI's shape.

#include "serve/api/routes.h"

namespace kilotoken {

HttpResponse json_response(int status, std::string body) {
  return {status, {{"content-type", "application/json"}}, std::move(body)};
}

Error no_such_model(std::string_view model_name) {
  return {ErrorCode::kNotFound, "The model `" + std::string(model_name) + "` does not exist.",
          "model"};
}

HttpResponse model_not_found(std::string_view model_name) {
  return to_response(no_such_model(model_name));
}

HttpResponse to_response(const Error& error) {
  HttpResponse response;
  switch (error.code) {
    case ErrorCode::kInvalid:
      return error_response(400, "invalid_request_error", error.message, error.field);
    case ErrorCode::kUnsupported:
      return error_response(400, "invalid_request_error", error.message, error.field,
                            "unsupported_parameter");
    case ErrorCode::kTooLarge:
      return error_response(400, "invalid_request_error", error.message, error.field,
                            "context_length_exceeded");
    case ErrorCode::kNotFound:
      return error_response(404, "not_found_error", error.message, error.field,
                            error.field == "model" ? "model_not_found" : "");
    // Clients' libraries try these two again, after as many seconds as they are told.
    case ErrorCode::kFull:
      response = error_response(429, "rate_limit_error", error.message, {}, "queue_full");
      response.headers.emplace_back("retry-after", "1");
      return response;
    case ErrorCode::kUnavailable:
      response = error_response(503, "server_error", error.message, {}, "shutting_down");
      response.headers.emplace_back("retry-after", "5");
      return response;
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      break;
  }
  return error_response(500, "server_error", error.message);
}

}  // namespace kilotoken
