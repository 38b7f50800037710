#pragma once
// ServerWatch: reads our server's /metrics while it is measured.

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "measure/bench/result.h"
#include "net/client.h"

namespace kilotoken::bench {

class ServerWatch {
 public:
  // Reads once now, then every `every_ms` until stop().
  ServerWatch(std::shared_ptr<const ClientTarget> target, HttpHeaders headers, int every_ms,
              const Clock& clock);
  ~ServerWatch();

  // Fills in what was seen: ticks from `begin_ns` on, growth of counters, peaks.
  void stop(ServerView& view, int64_t begin_ns);

  // The numbers of an exposition by name, series of one name added up.
  static std::map<std::string, double> parse(const std::string& exposition);

 private:
  struct Tick {
    int64_t at_ns;
    std::map<std::string, double> values;
  };
  void read();

  const std::shared_ptr<const ClientTarget> target_;
  const HttpHeaders headers_;
  const Clock& clock_;
  std::vector<Tick> ticks_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace kilotoken::bench
