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

TEST(Http, PercentEncodingIsUndone) {
  EXPECT_EQ(percent_decoded("a%2Fb%2f%20c"), "a/b/ c");
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%2"), "%2");
  EXPECT_EQ(percent_decoded("%zz%-1%2x"), "%zz%-1%2x");
  EXPECT_EQ(percent_decoded("%252F"), "%2F");
}

TEST(Sse, EventsAreOneLineOfData) {
  EXPECT_EQ(sse_event("{}"), "data: {}\n\n");
  EXPECT_EQ(sse_done(), "data: [DONE]\n\n");
  EXPECT_DEATH(sse_event("{\n}"), "one line");
}

}  // namespace
}  // namespace kilotoken
