#ifndef LEADGATEWAY_GATEWAY_BASE_LOG_H_
#define LEADGATEWAY_GATEWAY_BASE_LOG_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace leadgateway {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// One log line: a JSON object with "time", "level", "event" and what is added.
// It is written (to standard error, by one write) when the object goes.
//
//   LogLine(LogLevel::kInfo, "serving").Add("listen", address);
//
// Never add a lead's value or anything of a key: names, counts, times, ids.
// Text is escaped and cut at 1,024 bytes. Any thread.
class LogLine {
 public:
  LogLine(LogLevel level, absl::string_view event);
  ~LogLine();
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  // Whether the line will be written: where not, what only it needs is not
  // worth making.
  bool enabled() const { return enabled_; }

  LogLine& Add(absl::string_view key, absl::string_view value);
  LogLine& Add(absl::string_view key, const char* value) {
    return Add(key, absl::string_view(value));
  }
  LogLine& Add(absl::string_view key, const std::string& value) {
    return Add(key, absl::string_view(value));
  }
  // As a number of seconds; name such keys "..._s".
  LogLine& Add(absl::string_view key, absl::Duration value);
  LogLine& Add(absl::string_view key, double value);
  LogLine& AddList(absl::string_view key,
                   absl::Span<const absl::string_view> values);
  LogLine& AddBool(absl::string_view key, bool value);
  template <typename Integer,
            std::enable_if_t<std::is_integral_v<Integer> &&
                                 !std::is_same_v<Integer, bool>,
                             int> = 0>
  LogLine& Add(absl::string_view key, Integer value) {
    return AddInteger(key, static_cast<int64_t>(value));
  }

 private:
  LogLine& AddInteger(absl::string_view key, int64_t value);
  void AddKey(absl::string_view key);

  const LogLevel level_;
  const bool enabled_;
  std::string line_;
};

// The least severe level that is written; kInfo at first. Any thread.
void SetLogLevel(LogLevel level);
LogLevel GetLogLevel();

// "debug", "info", "warn", "error".
absl::string_view LogLevelName(LogLevel level);
// The level of that very name; none where it names none.
std::optional<LogLevel> ParseLogLevel(absl::string_view name);

// Sends lines (without the line break) to `sink` instead of standard error; an
// empty function restores it. For tests; not while other threads log.
void SetLogSinkForTest(std::function<void(absl::string_view)> sink);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_LOG_H_
