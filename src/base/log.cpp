#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "base/json.h"

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

Log::Log(Level level, Form form) : form_(form), sink_(std::make_unique<Sink>()) {
  sink_->logger.set_pattern(form == Form::kText
                                ? "%Y-%m-%d %H:%M:%S.%e %^%l%$ %v"
                                : R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%v})");
  sink_->logger.set_level(spdlog_level(level));
  sink_->logger.flush_on(spdlog::level::debug);
}

Log::~Log() = default;

void Log::write(Level level, std::string_view line) const {
  if (!sink_->logger.should_log(spdlog_level(level))) return;
  // Bytes that are no UTF-8 are replaced: a line must not be lost for what a client sent.
  const std::string json = form_ == Form::kText
                               ? std::string()
                               : Json(line).dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string_view text = form_ == Form::kText ? line : json;
  sink_->logger.log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace kilotoken
