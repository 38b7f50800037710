#include "net/http.h"

#include <gtest/gtest.h>

#include "net/sse.h"

namespace kilotoken {
namespace {

TEST(Http, ErrorsHaveTheShapeThatClientsRead) {
  const HttpResponse plain = error_response(429, "rate_limit_error", "wait");
  EXPECT_EQ(plain.status, 429);
  EXPECT_EQ(plain.body,
            R"({"error":{"message":"wait","type":"rate_limit_error","param":null,"code":null}})");
  EXPECT_EQ(error_response(400, "t", "a \"b\"\n\xff", "n", "c").body,
            "{\"error\":{\"message\":\"a \\\"b\\\"\\n\xEF\xBF\xBD\",\"type\":\"t\",\"param\":\"n\","
            "\"code\":\"c\"}}");
}

TEST(Sse, EventsAreOneLineOfData) {
  EXPECT_EQ(sse_event("{}"), "data: {}\n\n");
  EXPECT_EQ(sse_done(), "data: [DONE]\n\n");
  EXPECT_DEATH(sse_event("{\n}"), "one line");
}

}  // namespace
}  // namespace kilotoken
