#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>

namespace kilotoken {
namespace {

spdlog::level::level_enum spdlog_level(Log::Level level) {
  switch (level) {
    case Log::Level::kDebug:
      return spdlog::level::debug;
    case Log::Level::kInfo:
      return spdlog::level::info;
    case Log::Level::kWarn:
      return spdlog::level::warn;
    case Log::Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

struct Log::Sink {
  spdlog::logger logger{"kilotoken", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()};
};

Log::Log(Level level) : sink_(std::make_unique<Sink>()) {
  sink_->logger.set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  sink_->logger.set_level(spdlog_level(level));
  sink_->logger.flush_on(spdlog::level::debug);
}

Log::~Log() = default;

void Log::write(Level level, std::string_view line) const {
  sink_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace kilotoken
