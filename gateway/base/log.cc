#include "gateway/base/log.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/json_text.h"
#include "spdlog/logger.h"
#include "spdlog/sinks/base_sink.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace leadgateway {
namespace {

constexpr size_t kMaxTextBytes = 1024;

// Hands each line to a function.
class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(absl::string_view)> function)
      : function_(std::move(function)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    function_(
        absl::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

 private:
  std::function<void(absl::string_view)> function_;
};

std::shared_ptr<spdlog::logger> MakeLogger(spdlog::sink_ptr sink) {
  auto logger =
      std::make_shared<spdlog::logger>("leadgateway", std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::info);
  // Lines are rare beside the work they report, and the last one before a crash
  // is the one that matters.
  logger->flush_on(spdlog::level::trace);
  return logger;
}

std::shared_ptr<spdlog::logger>& Logger() {
  static auto* const logger = new std::shared_ptr<spdlog::logger>(
      MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  return *logger;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

absl::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

LogLine::LogLine(LogLevel level, absl::string_view event)
    : level_(level), enabled_(Logger()->should_log(ToSpdlog(level))) {
  if (!enabled_) return;
  line_ = absl::StrCat("{\"time\":\"",
                       absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(),
                                        absl::UTCTimeZone()),
                       "\",\"level\":\"", LogLevelName(level), "\"");
  Add("event", event);
}

LogLine::~LogLine() {
  if (!enabled_) return;
  line_ += '}';
  Logger()->log(ToSpdlog(level_), spdlog::string_view_t(line_));
}

void LogLine::AddKey(absl::string_view key) {
  line_ += ',';
  AppendJsonString(line_, key);
  line_ += ':';
}

LogLine& LogLine::Add(absl::string_view key, absl::string_view value) {
  if (!enabled_) return *this;
  AddKey(key);
  AppendJsonString(line_, value.substr(0, kMaxTextBytes));
  return *this;
}

LogLine& LogLine::AddList(absl::string_view key,
                          absl::Span<const absl::string_view> values) {
  if (!enabled_) return *this;
  AddKey(key);
  line_ += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) line_ += ',';
    AppendJsonString(line_, values[i].substr(0, kMaxTextBytes));
  }
  line_ += ']';
  return *this;
}

LogLine& LogLine::Add(absl::string_view key, absl::Duration value) {
  return Add(key, absl::ToDoubleSeconds(value));
}

LogLine& LogLine::Add(absl::string_view key, double value) {
  if (!enabled_) return *this;
  AddKey(key);
  if (std::isfinite(value)) {
    absl::StrAppendFormat(&line_, "%.6g", value);
  } else {
    line_ += "null";
  }
  return *this;
}

LogLine& LogLine::AddBool(absl::string_view key, bool value) {
  if (!enabled_) return *this;
  AddKey(key);
  line_ += value ? "true" : "false";
  return *this;
}

LogLine& LogLine::AddInteger(absl::string_view key, int64_t value) {
  if (!enabled_) return *this;
  AddKey(key);
  absl::StrAppend(&line_, value);
  return *this;
}

void SetLogLevel(LogLevel level) { Logger()->set_level(ToSpdlog(level)); }

LogLevel GetLogLevel() {
  switch (Logger()->level()) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return LogLevel::kDebug;
    case spdlog::level::info:
      return LogLevel::kInfo;
    case spdlog::level::warn:
      return LogLevel::kWarn;
    default:
      return LogLevel::kError;
  }
}

std::optional<LogLevel> ParseLogLevel(absl::string_view name) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    if (name == LogLevelName(level)) return level;
  }
  return std::nullopt;
}

void SetLogSinkForTest(std::function<void(absl::string_view)> sink) {
  Logger() =
      sink ? MakeLogger(std::make_shared<FunctionSink>(std::move(sink)))
           : MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
}

}  // namespace leadgateway
