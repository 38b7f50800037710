// The client against this program's own server, and against sockets that say what a test wants.

#include "net/client.h"

#include <thread>

#include "net/response_reader.h"
#include "net/sse_reader.h"
#include "net/test_server.h"

namespace kilotoken {
namespace {

class Collect final : public ClientHandler {
 public:
  explicit Collect(EventLoop& loop) : loop_(loop) {}
  void on_sent(int64_t ns) override { sent_ns = ns; }
  void on_head(int code, const HttpHeaders&, int64_t) override { status = code; }
  void on_body(std::string_view piece, int64_t) override { body.append(piece); }
  void on_end(ClientEnd how, const std::string& why, int64_t) override {
    end = how;
    detail = why;
    loop_.stop();
  }
  int64_t sent_ns = 0;
  int status = 0;
  std::string body, detail;
  ClientEnd end = ClientEnd::kBroken;

 private:
  EventLoop& loop_;
};

std::shared_ptr<const ClientTarget> target_at(int port) {
  return ClientTarget::resolve(parse_url("http://127.0.0.1:" + std::to_string(port)).value(), false)
      .value();
}

class ClientTest : public ServerTest {
 protected:
  // Runs one request over `client` to its end.
  void exchange(HttpClient& client, Collect& collect, const std::string& path,
                const std::string& body) {
    client.send(http_request(target_->url(), "POST", path, {}, body), collect);
    loop_.run();
  }
  const SystemClock clock_{};
  EventLoop loop_{clock_};
  std::shared_ptr<const ClientTarget> target_;
};

TEST_F(ClientTest, KeepsItsConnectionAndSendsAgainWhenThatWasClosed) {
  HttpServerConfig config;
  config.idle_timeout_ms = 50;
  start(config);
  target_ = target_at(port_);
  HttpClient client(loop_, target_);
  for (int i = 0; i < 3; ++i) {
    Collect collect(loop_);
    exchange(client, collect, "/echo", "hello" + std::to_string(i));
    EXPECT_EQ(collect.end, ClientEnd::kComplete);
    EXPECT_EQ(collect.status, 200);
    EXPECT_EQ(collect.body, "|hello" + std::to_string(i));
    EXPECT_GT(collect.sent_ns, 0);
  }
  EXPECT_EQ(client.counts().opened, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(400));  // the server hangs up meanwhile
  Collect collect(loop_);
  exchange(client, collect, "/echo", "again");
  EXPECT_EQ(collect.body, "|again");
  EXPECT_EQ(client.counts().opened, 2);
}

TEST_F(ClientTest, AStreamArrivesPieceByPieceAndABreakIsSaid) {
  start();
  target_ = target_at(port_);
  HttpClient client(loop_, target_);
  std::thread answer([&] {
    auto call = handler_.next();
    call.response->begin_stream(200, {});
    call.response->write("one");
    call.response->write("two");
    call.response->end();
    call = handler_.next();
    call.response->begin_stream(200, {});
    call.response->write("half");
    call.response->abort();
  });
  Collect whole(loop_), half(loop_);
  exchange(client, whole, "/a", "");
  EXPECT_EQ(whole.body, "onetwo");
  exchange(client, half, "/a", "");
  answer.join();
  EXPECT_EQ(half.body, "half");
  EXPECT_EQ(half.end, ClientEnd::kClosed);
}

TEST_F(ClientTest, ARefusedConnectionSaysWhere) {
  start();
  const int port = port_;
  server_.reset();
  target_ = target_at(port);
  HttpClient client(loop_, target_);
  Collect collect(loop_);
  exchange(client, collect, "/", "");
  EXPECT_EQ(collect.end, ClientEnd::kConnectFailed);
  EXPECT_NE(collect.detail.find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  const auto fetched = http_fetch(target_, "GET", "/x", {}, "", 1000);
  ASSERT_FALSE(fetched.ok());
  EXPECT_NE(fetched.error().message.find("GET http://127.0.0.1"), std::string::npos);
}

class Body final : public ResponseReader::Sink {
 public:
  void on_head(int status, const HttpHeaders&) override { head = status; }
  void on_body(std::string_view piece) override { text.append(piece); }
  int head = 0;
  std::string text;
};

// Every split of the bytes gives the same.
TEST(ResponseReader, ReadsChunksCutAnywhere) {
  const std::string bytes =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\nx: y\r\n\r\n";
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    ResponseReader reader;
    reader.begin();
    Body body;
    for (std::string_view part :
         {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
      ASSERT_TRUE(reader.read(part, body).ok()) << cut;
    }
    EXPECT_TRUE(reader.complete()) << cut;
    EXPECT_EQ(body.text, "abc0123456789") << cut;
    EXPECT_EQ(body.head, 200);
  }
}

TEST(ResponseReader, RefusesWhatIsNoHttp) {
  for (const std::string bytes :
       {"220 ftp ready\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 200 OK\r\nnocolon\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n"}) {
    ResponseReader reader;
    reader.begin();
    Body body;
    std::string_view rest = bytes;
    EXPECT_FALSE(reader.read(rest, body).ok()) << bytes;
  }
}

class Events final : public SseReader::Sink {
 public:
  void on_event(std::string_view data, std::string_view name) override {
    all += std::string(name) + "<" + std::string(data) + ">";
  }
  std::string all;
};

TEST(SseReader, ReadsEventsCutAnywhere) {
  const std::string bytes =
      ": ping\n\ndata: one\n\nevent: e\r\ndata:two\r\ndata:  three\r\n\r\nid: 4\rdata\r\rdata: x";
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    SseReader reader(1000);
    Events events;
    EXPECT_TRUE(reader.read(std::string_view(bytes).substr(0, cut), events));
    EXPECT_TRUE(reader.read(std::string_view(bytes).substr(cut), events));
    EXPECT_EQ(events.all, "<one>e<two\n three><>") << cut;
    EXPECT_TRUE(reader.unfinished());
  }
}

TEST(SseReader, StopsAtALineThatIsTooLong) {
  SseReader reader(10);
  Events events;
  EXPECT_TRUE(reader.read("data: 123", events));
  EXPECT_FALSE(reader.read("4567", events));
  EXPECT_EQ(events.all, "");
}

TEST(Url, IsTakenApart) {
  const Url url = parse_url("https://[::1]:8443/base/").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.path, "/base");
  EXPECT_EQ(url.text(), "https://[::1]:8443/base");
  EXPECT_EQ(parse_url("localhost:81").value().text(), "http://localhost:81");
  EXPECT_EQ(parse_url("http://h").value().port, 80);
  for (const char* bad : {"", "ftp://x", "http://", "http://h:0", "http://h:99999", "http://h:x",
                          "http://u@h", "http://[::1", "http://h/?q"}) {
    EXPECT_FALSE(parse_url(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace kilotoken
