// Who is let in: keys, and pages of other origins.

#include <gtest/gtest.h>

#include "api/served.h"
#include "serve/api/api_keys.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

int status_of(int port, const std::string& method, const std::string& path,
              const std::string& headers) {
  return ask(port, request_text(method, path, method == "POST" ? "{}" : "", headers)).status;
}

TEST(Rule26, EveryRouteButHealthAsksForAKey) {
  const Served served({.api_keys = {"sk-one", "sk-two"}});
  const std::string json_type = "Content-Type: application/json\r\n";
  for (const auto& [method, path] :
       std::vector<std::pair<std::string, std::string>>{{"POST", "/v1/completions"},
                                                        {"GET", "/v1/models"},
                                                        {"GET", "/v1/models/demo"},
                                                        {"POST", "/tokenize"},
                                                        {"POST", "/detokenize"},
                                                        {"GET", "/version"},
                                                        {"GET", "/metrics"},
                                                        {"GET", "/nowhere"},
                                                        {"HEAD", "/v1/models"}}) {
    EXPECT_EQ(status_of(served.port(), method, path, json_type), 401) << path;
    const std::string key = "Authorization: Bearer sk-two\r\n";
    const int status = status_of(served.port(), method, path, json_type + key);
    EXPECT_TRUE(status == 200 || status == 400 || status == 404) << path << " " << status;
  }
  for (const char* path : {"/health", "/health/live", "/health/ready"}) {
    EXPECT_EQ(status_of(served.port(), "GET", path, ""), 200) << path;
  }
}

TEST(Rule26, TheKeyIsOneOfThoseAndNothingElse) {
  const Served served({.api_keys = {"sk-one", "sk-two"}});
  const auto with = [&](const std::string& headers) {
    return status_of(served.port(), "GET", "/v1/models", headers);
  };
  for (const char* good :
       {"Authorization: Bearer sk-one\r\n", "authorization: bearer   sk-two\r\n",
        "X-Api-Key: sk-one\r\n", "Authorization: Bearer wrong\r\nx-api-key: sk-two\r\n"}) {
    EXPECT_EQ(with(good), 200) << good;
  }
  for (const std::string bad :
       {"Authorization: Bearer sk-on\r\n", "Authorization: Bearer sk-onee\r\n",
        "Authorization: Bearer\r\n", "Authorization: sk-one\r\n", "Authorization: Basic sk-one\r\n",
        "Authorization: Bearer sk-one sk-two\r\n", "x-api-key: SK-ONE\r\n", "x-api-key:\r\n",
        "Cookie: sk-one\r\n"}) {
    EXPECT_EQ(with(bad), 401) << bad;
  }
  EXPECT_EQ(with("x-api-key: " + std::string(5000, 's') + "\r\n"), 401);
}

TEST(Rule26, ARefusalSaysHowToAsk) {
  const Served served({.api_keys = {"sk-secret"}});
  const Answer missing = ask(served.port(), request_text("GET", "/v1/models"));
  EXPECT_EQ(missing.header("www-authenticate"), "Bearer");
  EXPECT_EQ(missing.json()["error"]["type"], "authentication_error");
  EXPECT_EQ(missing.json()["error"]["code"], "invalid_api_key");
  EXPECT_NE(missing.body.find("Authorization: Bearer KEY"), missing.body.npos);
  const Answer wrong =
      ask(served.port(), request_text("GET", "/v1/models", "", "x-api-key: guess\r\n"));
  EXPECT_NE(wrong.body.find("Incorrect API key"), wrong.body.npos);
  EXPECT_EQ(wrong.body.find("guess"), wrong.body.npos) << "a key is not repeated";
  EXPECT_EQ(wrong.body.find("sk-secret"), wrong.body.npos);
}

TEST(Access, KeysThatNoClientCanSendAreRefused) {
  for (const std::string& key :
       {std::string(), std::string("a b"), std::string("a\n"), std::string(513, 'k')}) {
    EXPECT_FALSE(ApiKeys::check(key).ok()) << key;
  }
  EXPECT_TRUE(ApiKeys::check(std::string(512, 'k')).ok());
  const ApiKeys longest({std::string(512, 'k')});
  HttpRequest request;
  request.headers = {{"x-api-key", std::string(512, 'k')}};
  EXPECT_TRUE(longest.admits(request));
  request.headers = {{"x-api-key", std::string(513, 'k')}};
  EXPECT_FALSE(longest.admits(request)) << "it agrees as far as is compared";
}

const std::string kPreflight =
    "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n"
    "Access-Control-Request-Headers: authorization, content-type\r\n";

TEST(Cors, APreflightOfAnAllowedOriginIsAnswered) {
  const Served served(
      {.api_keys = {"sk-one"}, .cors = {{"https://a.example", "https://b.example"}}});
  const Answer answer =
      ask(served.port(), request_text("OPTIONS", "/v1/completions", "", kPreflight));
  EXPECT_EQ(answer.status, 204) << "browsers ask without a key";
  EXPECT_EQ(answer.header("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(answer.header("access-control-allow-methods"), "POST, OPTIONS");
  EXPECT_EQ(answer.header("access-control-allow-headers"), "authorization, content-type");
  EXPECT_EQ(answer.header("access-control-max-age"), "600");
  EXPECT_EQ(answer.header("vary"), "Origin");
  EXPECT_EQ(answer.header("access-control-allow-credentials"), "");
  EXPECT_EQ(answer.body, "");
}

TEST(Cors, OtherOriginsAreRefused) {
  const Served served({.cors = {{"https://b.example"}}});
  const Answer preflight =
      ask(served.port(), request_text("OPTIONS", "/v1/completions", "", kPreflight));
  EXPECT_EQ(preflight.status, 403);
  EXPECT_EQ(preflight.header("access-control-allow-origin"), "");
  const Answer answer =
      ask(served.port(), request_text("GET", "/v1/models", "", "Origin: https://a.example\r\n"));
  EXPECT_EQ(answer.header("access-control-allow-origin"), "") << "so the browser keeps it back";
  EXPECT_EQ(answer.header("vary"), "Origin");
}

TEST(Cors, ErrorsAndStreamsCanBeReadToo) {
  const Served served({.api_keys = {"sk-one"}, .cors = {{"*"}}});
  const std::string origin = "Origin: https://a.example\r\n";
  const Answer refused = ask(served.port(), request_text("GET", "/v1/models", "", origin));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("access-control-allow-origin"), "*");
  EXPECT_EQ(refused.header("vary"), "");
  const Answer stream = post_json(served.port(), "/v1/completions",
                                  {{"prompt", "a"}, {"max_tokens", 2}, {"stream", true}},
                                  origin + "x-api-key: sk-one\r\n");
  EXPECT_EQ(stream.status, 200);
  EXPECT_EQ(stream.header("access-control-allow-origin"), "*");
  EXPECT_EQ(stream.header("access-control-expose-headers"),
            "x-request-id, x-ignored-params, retry-after");
}

TEST(Cors, CredentialsNameTheOrigin) {
  const Served served({.cors = {{"*"}, /*allow_credentials=*/true}});
  const Answer answer =
      ask(served.port(), request_text("GET", "/v1/models", "", "Origin: https://a.example\r\n"));
  EXPECT_EQ(answer.header("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(answer.header("access-control-allow-credentials"), "true");
  EXPECT_EQ(answer.header("vary"), "Origin");
}

}  // namespace
}  // namespace kilotoken::test
