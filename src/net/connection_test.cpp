// How connections end: clients that go or stand still, cut-offs, draining, stopping.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "net/sse.h"
#include "net/test_server.h"

namespace kilotoken {
namespace {

TEST_F(ServerTest, NoticesAClientThatGoesBeforeTheAnswer) {
  start();
  int gone = 0;
  for (const bool by_reset : {false, true}) {
    TestClient client(port_);
    client.send(post("/wait", "x"));
    const Handler::Call call = handler_.next();
    ASSERT_TRUE(call.response);
    EXPECT_FALSE(call.response->closed());
    by_reset ? client.reset() : client.close();
    EXPECT_TRUE(handler_.wait_for_closed(++gone)) << "by_reset " << by_reset;
    EXPECT_TRUE(call.response->closed());
    call.response->send({200, {}, "nobody reads this"});
  }
  EXPECT_EQ(handler_.closed(), 2);
}

TEST_F(ServerTest, NoticesAClientThatGoesDuringAStream) {
  start();
  int gone = 0;
  for (const bool by_reset : {false, true}) {
    TestClient client(port_);
    client.send(post("/stream", ""));
    Handler::Call call = handler_.next();
    ASSERT_TRUE(call.response);
    call.response->begin_stream(200, {});
    call.response->write("first");
    client.read_until("first");
    by_reset ? client.reset() : client.close();
    for (int i = 0; i < 2000 && !call.response->closed(); ++i) {
      call.response->write("more");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_TRUE(handler_.wait_for_closed(++gone)) << "by_reset " << by_reset;
  }
}

// Nothing is written meanwhile: the connection finds out by itself.
TEST_F(ServerTest, NoticesAClientThatGoesWhileAStreamRests) {
  start();
  int gone = 0;
  for (const bool by_reset : {false, true}) {
    TestClient client(port_);
    client.send(post("/stream", ""));
    Handler::Call call = handler_.next();
    ASSERT_TRUE(call.response);
    call.response->begin_stream(200, {});
    call.response->write("first");
    client.read_until("first\r\n");
    by_reset ? client.reset() : client.close();
    EXPECT_TRUE(handler_.wait_for_closed(++gone)) << "by_reset " << by_reset;
  }
}

TEST_F(ServerTest, AStreamGoesOnForAClientThatOnlyFinishedSending) {
  start();
  TestClient client(port_);
  client.send(post("/stream", ""));
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  call.response->begin_stream(200, {});
  call.response->write("first");
  client.read_until("first\r\n");
  client.finish_sending();
  EXPECT_EQ(client.read_until("0"), "0") << "it was asked whether it is there";
  call.response->write(std::string(18, 'x'));
  EXPECT_EQ(client.read_until("x\r\n"), "12\r\n" + std::string(18, 'x') + "\r\n")
      << "a size of 012";
  call.response->end();
  EXPECT_EQ(client.read_to_end(), "0\r\n\r\n");
  EXPECT_EQ(handler_.closed(), 0);
}

TEST_F(ServerTest, ARequestThatTricklesInIsCutOff) {
  HttpServerConfig config;
  config.request_timeout_ms = 150;
  start(config);
  TestClient client(port_);
  client.send("POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 1000 && client.send("x"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (client.readable()) break;
  }
  EXPECT_TRUE(client.read_until("\r\n").starts_with("HTTP/1.1 408 "));
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitAreTurnedAway) {
  HttpServerConfig config;
  config.max_connections = 2;
  start(config);
  {
    TestClient first(port_), second(port_);
    for (TestClient* client : {&first, &second}) {
      client->send(post("/echo", "a"));
      EXPECT_TRUE(client->read_answer().starts_with("HTTP/1.1 200 "));
    }
    TestClient third(port_);
    const std::string refused = third.read_to_end();
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
    EXPECT_NE(refused.find("retry-after: 1\r\n"), refused.npos) << refused;
    EXPECT_NE(refused.find("too_many_connections"), refused.npos) << refused;
    first.send(post("/echo", "b"));
    EXPECT_TRUE(first.read_answer().starts_with("HTTP/1.1 200 ")) << "those there go on";
  }
  bool served = false;
  for (int i = 0; i < 1000 && !served; ++i) {  // until the server has seen that they went
    TestClient later(port_);
    later.send("GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
    served = later.read_to_end().starts_with("HTTP/1.1 200 ");
  }
  EXPECT_TRUE(served);
}

TEST_F(ServerTest, AClientThatGoesWithAFullReadAheadIsNoticed) {
  start();
  TestClient client(port_);
  client.send(post("/wait", ""));
  const Handler::Call call = handler_.next();
  client.send(std::string(100'000, 'x'));  // more than is read ahead
  client.reset();
  EXPECT_TRUE(handler_.wait_for_closed(1));
}

// Urgent data wakes who waits for errors, as a closed connection's last event may.
TEST_F(ServerTest, AWakeThatIsNoResetCutsNobodyOff) {
  start();
  TestClient client(port_);
  client.send(post("/wait", ""));
  const Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  client.send(std::string(100'000, 'x'));  // more than is read ahead: errors are waited for
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(client.send_urgent('!'));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(handler_.closed(), 0);
  call.response->send({200, {}, "whole"});
  EXPECT_TRUE(ends_with(client.read_answer(), "whole"));
}

TEST_F(ServerTest, AClientThatOnlyFinishedSendingGetsItsAnswers) {
  start();
  TestClient client(port_);
  client.send(post("/wait", "") + post("/stream", "") + post("/echo", "last"));
  client.finish_sending();
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  EXPECT_EQ(client.read_header(), "HTTP/1.1 100 Continue\r\n\r\n");  // the end of input was seen
  call.response->send({200, {}, "one"});
  EXPECT_TRUE(ends_with(client.read_answer(), "\r\n\r\none"));
  call = handler_.next();
  ASSERT_TRUE(call.response);
  call.response->begin_stream(200, {});
  call.response->write("two");
  call.response->end();
  EXPECT_TRUE(ends_with(client.read_until("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n"));
  EXPECT_TRUE(ends_with(client.read_to_end(), "|last"));
  EXPECT_EQ(handler_.closed(), 0);
}

TEST_F(ServerTest, CutsOffAStreamWhoseClientDoesNotRead) {
  HttpServerConfig config;
  config.max_pending_output_bytes = 1 << 20;
  start(config);
  TestClient client(port_, 4096);
  client.send(post("/stream", ""));
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  call.response->begin_stream(200, {});
  const std::string block(64 << 10, 'x');
  for (int i = 0; i < 100'000 && !call.response->closed(); ++i) {
    call.response->write(block);
    if (i % 64 == 0) std::this_thread::yield();
  }
  EXPECT_TRUE(handler_.wait_for_closed(1));
  EXPECT_EQ(handler_.closed(), 1);
}

TEST_F(ServerTest, ALargeAnswerIsNotCutOff) {
  HttpServerConfig config;
  config.max_pending_output_bytes = 1 << 20;
  start(config);
  TestClient client(port_);
  client.send(post("/wait", ""));
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  call.response->send({200, {}, std::string(20 << 20, 'y')});
  EXPECT_EQ(client.read_body(client.read_header()).size(), size_t{20} << 20);
}

TEST_F(ServerTest, AnAbortedStreamHasNoEnd) {
  start();
  TestClient client(port_);
  client.send(post("/stream", ""));
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  call.response->begin_stream(200, {});
  call.response->write("part");
  call.response->abort();
  EXPECT_TRUE(ends_with(client.read_to_end(), "4\r\npart\r\n"));
  EXPECT_EQ(handler_.closed(), 0);  // the program knows
  EXPECT_TRUE(call.response->closed());
}

TEST_F(ServerTest, ADroppedOrFailedRequestIsAnswered500) {
  start();
  TestClient client(port_);
  client.send("GET /drop HTTP/1.1\r\n\r\nGET /throw HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 500 "));
  const std::string thrown = client.read_answer();
  EXPECT_NE(thrown.find(R"({"error":{"message":"thrown","type":"server_error")"), thrown.npos);
}

TEST_F(ServerTest, ClosesConnectionsThatStandStill) {
  HttpServerConfig config;
  config.idle_timeout_ms = 50;
  start(config);
  TestClient idle(port_), half(port_), body(port_), served(port_);
  half.send("GET /echo HT");
  body.send("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc");
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_TRUE(half.read_to_end().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(body.read_to_end().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  TestClient waiting(port_);
  waiting.send(post("/wait", ""));
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  call.response->send({200, {}, "late"});  // waiting for the program is not standing still
  EXPECT_TRUE(ends_with(waiting.read_answer(), "late"));
}

TEST_F(ServerTest, DrainsWhenItStopsAccepting) {
  start();
  TestClient idle(port_), busy(port_);
  idle.send("GET /echo HTTP/1.1\r\n\r\n");
  idle.read_answer();
  busy.send(post("/wait", ""));
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  server_->stop_accepting();
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_FALSE(TestClient(port_).connected());
  call.response->send({200, {}, "done"});
  EXPECT_EQ(busy.read_to_end(),
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone");
}

TEST_F(ServerTest, StopsAfterTheLastConnectionHasGone) {
  start();
  TestClient client(port_);
  server_->stop_accepting();
  EXPECT_EQ(client.read_to_end(), "");
  client.close();
  server_->stop_accepting();
  server_->stop();
  server_->stop();
  HttpServerConfig config;
  config.port = port_;
  HttpServer next(config, handler_);
  EXPECT_TRUE(next.start().ok()) << "the port is free";
}

TEST_F(ServerTest, StopTellsThoseWhoWaitAndWritersOutliveIt) {
  start();
  TestClient client(port_);
  client.send(post("/wait", ""));
  Handler::Call call = handler_.next();
  ASSERT_TRUE(call.response);
  server_->stop();
  EXPECT_EQ(handler_.closed(), 1);
  EXPECT_TRUE(call.response->closed());
  server_.reset();
  call.response->send({200, {}, "too late"});
  std::atomic<int> called{0};
  call.response->on_closed([&] { ++called; });
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(ServerTest, SurvivesClientsThatComeAndGo) {
  start();
  constexpr int kClients = 6, kRounds = 40;
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&] {
      std::vector<Handler::Call> calls;
      while (!stop) {
        if (Handler::Call call = handler_.next(); call.response) {
          if (call.request.path == "/stop") continue;
          call.response->begin_stream(200, {});
          for (int i = 0; i < 20; ++i) call.response->write(sse_event("{\"i\":1}"));
          call.response->end();
        }
      }
    });
  }
  std::vector<std::thread> clients;
  std::atomic<int> complete{0};
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      for (int round = 0; round < kRounds; ++round) {
        TestClient client(port_);
        client.send(post("/stream", "x"));
        if (round % 4 == 0)
          client.reset();
        else if (round % 4 == 1)
          client.read_bytes(static_cast<size_t>(c * 50));
        else if (ends_with(client.read_until("0\r\n\r\n"), "0\r\n\r\n"))
          ++complete;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  stop = true;
  TestClient a(port_), b(port_);
  a.send(post("/stop", ""));
  b.send(post("/stop", ""));
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(complete, kClients * kRounds / 2);
}

}  // namespace
}  // namespace kilotoken
