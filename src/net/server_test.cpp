// The protocol: what is sent and what comes back.

#include <gtest/gtest.h>

#include "net/sse.h"
#include "net/test_server.h"

namespace kilotoken {
namespace {

TEST_F(ServerTest, KeepsTheConnectionAndReadsRequestsOneAfterTheOther) {
  start();
  TestClient client(port_);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(post("/echo?a=" + std::to_string(i), "hello")));
    EXPECT_EQ(client.read_answer(),
              "HTTP/1.1 200 OK\r\nx-method: POST\r\ncontent-length: 9\r\n\r\na=" +
                  std::to_string(i) + "|hello");
  }
  client.send("GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_to_end(),
            "HTTP/1.1 200 OK\r\nx-method: GET\r\ncontent-length: 1\r\nconnection: close\r\n\r\n|");
}

TEST_F(ServerTest, GivesTheRequestAsItWasSent) {
  start();
  TestClient client(port_);
  client.send("PUT http://host:1/a%20b?x=1&y HTTP/1.1\r\nX-Thing: one\r\nx-other:  two \r\n\r\n");
  const Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.request.method, "PUT");
  EXPECT_EQ(call.request.path, "/a%20b");
  EXPECT_EQ(call.request.query, "x=1&y");
  EXPECT_EQ(call.request.header("x-thing"), "one");
  EXPECT_EQ(call.request.header("X-OTHER"), "two");
  EXPECT_EQ(call.request.header("absent"), "");
  EXPECT_EQ(call.request.remote, "127.0.0.1");
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  TestClient client(port_);
  std::string all;
  for (int i = 0; i < 50; ++i) all += post("/wait" + std::to_string(i), "b");
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    Handler::Call call = handler_.next();
    ASSERT_TRUE(call.response);
    ASSERT_EQ(call.request.path, "/wait" + std::to_string(i));
    call.response->send({200, {}, call.request.path});
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(ends_with(client.read_answer(), "\r\n\r\n/wait" + std::to_string(i)));
  }
  EXPECT_EQ(handler_.closed(), 0);
}

TEST_F(ServerTest, ReadsAChunkedBodyInWhateverPiecesItComes) {
  start();
  TestClient client(port_);
  const std::string request =
      "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n7;ext=1\r\n, world\r\n0\r\n\r\n";
  for (const char c : request) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_TRUE(ends_with(client.read_answer(), "|hello, world"));
  client.send(request + request);
  EXPECT_TRUE(ends_with(client.read_answer(), "|hello, world"));
  EXPECT_TRUE(ends_with(client.read_answer(), "|hello, world"));
}

TEST_F(ServerTest, InvitesTheBodyOfAClientThatAsksFirst) {
  start();
  TestClient client(port_);
  client.send("POST /echo HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_header(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_TRUE(ends_with(client.read_answer(), "|abc"));
}

TEST_F(ServerTest, AnswersHeadWithTheHeaderAlone) {
  start();
  TestClient client(port_);
  client.send("HEAD /echo?12345678 HTTP/1.1\r\n\r\nGET /echo HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.read_header(), "HTTP/1.1 200 OK\r\nx-method: HEAD\r\ncontent-length: 9\r\n\r\n");
  EXPECT_TRUE(ends_with(client.read_answer(), "x-method: GET\r\ncontent-length: 1\r\n\r\n|"));
}

TEST_F(ServerTest, StreamsChunksAsTheyAreWritten) {
  start();
  TestClient client(port_);
  client.send(post("/stream", "") + "GET /echo HTTP/1.1\r\n\r\n");
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  call.response->begin_stream(200, {{"content-type", "text/event-stream"}});
  EXPECT_EQ(client.read_header(),
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            "transfer-encoding: chunked\r\n\r\n");
  call.response->write(sse_event("{\"a\":1}"));
  EXPECT_EQ(client.read_until("\n\n\r\n"),
            "f\r\ndata: {\"a\":1}\n\n\r\n");  // before the next write
  call.response->write("");                   // must not look like the end
  call.response->write(sse_done());
  call.response->end();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
  EXPECT_TRUE(ends_with(client.read_answer(), "|"));  // the connection serves on
}

TEST_F(ServerTest, StreamsToOldClientsUntilTheConnectionCloses) {
  start();
  TestClient client(port_);
  client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  call.response->begin_stream(200, {});
  call.response->write("plain");
  call.response->end();
  EXPECT_EQ(client.read_to_end(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nplain");
}

TEST_F(ServerTest, RefusesWhatIsTooLarge) {
  HttpServerConfig config;
  config.limits.max_body_bytes = 1000;
  config.limits.max_header_bytes = 2000;
  start(config);
  const std::string shape = R"("type":"invalid_request_error","param":null,"code":null}})";
  {
    TestClient client(port_);
    client.send("POST /echo HTTP/1.1\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    const std::string answer = client.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 Content Too Large\r\n")) << answer;
    EXPECT_NE(answer.find("larger than 1000 bytes"), answer.npos) << answer;
    EXPECT_TRUE(ends_with(answer, shape)) << answer;
  }
  {
    TestClient client(port_);
    client.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n");
    client.send(std::string(4096, 'x') + "\r\n0\r\n\r\n");
    EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 413 "));
  }
  {
    TestClient client(port_);
    client.send("GET /echo HTTP/1.1\r\nX: " + std::string(5000, 'x'));
    EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 431 "));
  }
  TestClient client(port_);
  client.send(post("/echo", std::string(1000, 'y')));
  EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesTooManyHeaderFields) {
  HttpServerConfig config;
  config.limits.max_header_count = 10;
  start(config);
  std::string fields;
  for (int i = 0; i < 10; ++i) fields += "X-" + std::to_string(i) + ": 1\r\n";
  TestClient client(port_);
  client.send("GET /echo HTTP/1.1\r\n" + fields + "\r\n");
  EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 200 "));
  client.send("GET /echo HTTP/1.1\r\n" + fields + "X-10: 1\r\n\r\n");
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431 ")) << answer;
  EXPECT_NE(answer.find("more than 10 header fields"), answer.npos) << answer;
}

TEST_F(ServerTest, TheHandlerSeesWhatTheServerRefuses) {
  HttpServerConfig config;
  config.limits.max_body_bytes = 10;
  start(config);
  TestClient client(port_);
  client.send("POST /echo?a HTTP/1.1\r\nContent-Length: 11\r\n\r\n");
  EXPECT_NE(client.read_to_end().find("\r\nx-refused: POST /echo\r\n"), std::string::npos);
}

TEST_F(ServerTest, AnAnswerWithoutContentHasNoLength) {
  start();
  TestClient client(port_);
  for (const auto& [status, line] : {std::pair{204, "204 No Content"}, {304, "304 Not Modified"}}) {
    client.send(post("/wait", ""));
    Handler::Call call = handler_.next();
    ASSERT_TRUE(call.response);
    call.response->send({status, {}, ""});
    EXPECT_EQ(client.read_header(), "HTTP/1.1 " + std::string(line) + "\r\n\r\n");
  }
}

TEST_F(ServerTest, AClientStillSendingGetsToReadWhyItWasRefused) {
  HttpServerConfig config;
  config.limits.max_body_bytes = 1000;
  start(config);
  TestClient client(port_);
  client.send("POST /echo HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n");
  EXPECT_TRUE(client.send(std::string(3'000'000, 'x')));  // all of it, without looking
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST_F(ServerTest, RefusesGarbage) {
  start();
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
        std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        std::string("GET / HTTP/1.1\r\nA\x01: b\r\n\r\n")}) {
    TestClient client(port_);
    client.send(bytes);
    const std::string answer = client.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << bytes << answer;
    EXPECT_NE(answer.find("not a well-formed HTTP request"), answer.npos) << answer;
  }
}

TEST_F(ServerTest, HeaderValuesCannotBeginHeaders) {
  start();
  TestClient client(port_);
  client.send(post("/wait", ""));
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  call.response->send({200, {{"x-a", "1\r\nx-b: 2"}}, ""});
  EXPECT_EQ(client.read_header(), "HTTP/1.1 200 OK\r\nx-a: 1??x-b: 2\r\ncontent-length: 0\r\n\r\n");
}

TEST_F(ServerTest, SaysThatAPortIsInUse) {
  start();
  HttpServerConfig config;
  config.port = port_;
  HttpServer second(config, handler_);
  const Result<int> port = second.start();
  ASSERT_FALSE(port.ok());
  EXPECT_EQ(port.error().message,
            "port " + std::to_string(port_) +
                " on 127.0.0.1 is in use: stop what listens there, or choose another with --port");
  config.host = "203.0.113.7";
  config.port = 0;
  HttpServer elsewhere(config, handler_);
  EXPECT_TRUE(
      elsewhere.start().error().message.starts_with("cannot listen on 203.0.113.7 port 0: "));
}

// Many clients that come, read a little and go, while their streams are written from other threads.

}  // namespace
}  // namespace kilotoken
