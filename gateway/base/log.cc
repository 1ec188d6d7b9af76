#include "gateway/base/log.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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

absl::string_view LevelName(LogLevel level) {
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

void AppendJsonString(std::string& out, absl::string_view text) {
  out += '"';
  for (const char c : text.substr(0, kMaxTextBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      // Whatever comes from outside may be no UTF-8 at all; a byte as U+00XX
      // keeps the line valid and the text legible.
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

LogLine::LogLine(LogLevel level, absl::string_view event)
    : level_(level), enabled_(Logger()->should_log(ToSpdlog(level))) {
  if (!enabled_) return;
  line_ = absl::StrCat("{\"time\":\"",
                       absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(),
                                        absl::UTCTimeZone()),
                       "\",\"level\":\"", LevelName(level), "\"");
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
  AppendJsonString(line_, value);
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

void SetLogSinkForTest(std::function<void(absl::string_view)> sink) {
  Logger() =
      sink ? MakeLogger(std::make_shared<FunctionSink>(std::move(sink)))
           : MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
}

}  // namespace leadgateway
