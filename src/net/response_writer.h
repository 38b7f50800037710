#pragma once
// ConnectionWriter: the ResponseWriter of one request on one connection. Internal to the server.

#include <atomic>
#include <memory>

#include "net/connection.h"

namespace kilotoken {

class ConnectionWriter final : public ResponseWriter {
 public:
  ConnectionWriter(std::shared_ptr<ServerShared> shared, std::weak_ptr<Connection> connection,
                   std::shared_ptr<Exchange> exchange);
  ~ConnectionWriter() override;

  void send(HttpResponse response) override;
  void begin_stream(int status, HttpHeaders headers) override;
  void write(std::string data) override;
  void end() override;
  void abort() override;
  void on_closed(std::function<void()> callback) override;
  bool closed() const override;

 private:
  template <typename Action>
  bool post(Action action);

  const std::shared_ptr<ServerShared> shared_;
  const std::weak_ptr<Connection> connection_;
  const std::shared_ptr<Exchange> exchange_;
  std::atomic<bool> ended_{false};  // send, end or abort was called
};

}  // namespace kilotoken
