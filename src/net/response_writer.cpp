#include "net/response_writer.h"

#include <utility>

namespace kilotoken {

ConnectionWriter::ConnectionWriter(std::shared_ptr<ServerShared> shared,
                                   std::weak_ptr<Connection> connection,
                                   std::shared_ptr<Exchange> exchange)
    : shared_(std::move(shared)),
      connection_(std::move(connection)),
      exchange_(std::move(exchange)) {}

// Runs `action(connection, exchange)` on the connection's strand, in the order of the calls; false
// when the connection is gone.
template <typename Action>
bool ConnectionWriter::post(Action action) {
  const std::lock_guard lock(shared_->mutex);
  const std::shared_ptr<Connection> connection = shared_->open ? connection_.lock() : nullptr;
  if (!connection) return false;
  boost::asio::post(connection->executor(),
                    [connection, exchange = exchange_, action = std::move(action)]() mutable {
                      action(*connection, exchange);
                    });
  return true;
}

ConnectionWriter::~ConnectionWriter() {
  if (ended_) return;
  post([](Connection& connection, const auto& exchange) { connection.abandon(exchange); });
}

void ConnectionWriter::send(HttpResponse response) {
  ended_ = true;
  post([response = std::move(response)](Connection& connection, const auto& exchange) mutable {
    connection.send(exchange, std::move(response));
  });
}

void ConnectionWriter::begin_stream(int status, HttpHeaders headers) {
  post([status, headers = std::move(headers)](Connection& connection, const auto& exchange) {
    connection.begin_stream(exchange, status, headers);
  });
}

void ConnectionWriter::write(std::string data) {
  post([data = std::move(data)](Connection& connection, const auto& exchange) {
    connection.write(exchange, data);
  });
}

void ConnectionWriter::end() {
  ended_ = true;
  post([](Connection& connection, const auto& exchange) { connection.end(exchange); });
}

void ConnectionWriter::abort() {
  ended_ = true;
  post([](Connection& connection, const auto& exchange) { connection.abort(exchange); });
}

void ConnectionWriter::on_closed(std::function<void()> callback) {
  const bool posted = post([callback](Connection& connection, const auto& exchange) {
    connection.set_on_closed(exchange, callback);
  });
  if (!posted && !ended_) callback();
}

bool ConnectionWriter::closed() const { return exchange_->closed; }

}  // namespace kilotoken
