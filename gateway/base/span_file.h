#ifndef LEADGATEWAY_GATEWAY_BASE_SPAN_FILE_H_
#define LEADGATEWAY_GATEWAY_BASE_SPAN_FILE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/mutex.h"
#include "gateway/base/trace.h"

namespace leadgateway {

// One span of a trace, once it is over. Never holds a lead's value or anything
// of a key.
struct Span {
  enum class Kind { kServer = 2, kClient = 3 };  // as OTLP numbers them

  std::string name;
  Kind kind = Kind::kServer;
  TraceContext context;                   // valid()
  std::array<uint8_t, 8> parent_id = {};  // all zero: the trace's first
  std::vector<TraceContext> links;        // of spans in other traces, or here
  absl::Time started;                     // wall clock
  absl::Time ended;
  bool failed = false;
  std::string problem;  // where failed: a word for it
  using Value = std::variant<std::string, int64_t, bool>;
  std::vector<std::pair<std::string, Value>> attributes;
};

// The line of a file that holds these spans: a TracesData of OpenTelemetry's
// protocol in its JSON form, without the line break.
std::string OtlpLine(
    absl::Span<const Span> spans,
    const std::vector<std::pair<std::string, std::string>>& resource);

// Writes spans to a file as OTLP JSON lines, which OpenTelemetry's collector
// reads (receiver otlp_json_file). On a thread of its own: whoever has a span
// never waits for the disk. What the disk can't take is dropped and counted.
//
// The file may be renamed or removed at any time: the next spans go into a new
// one. At kMostBytes the file is renamed to PATH.1, in place of the one before.
class SpanFile {
 public:
  struct Options {
    std::string path;
    // Of the process: "service.name" and the like.
    std::vector<std::pair<std::string, std::string>> resource;
    int64_t most_bytes = int64_t{64} << 20;
    size_t most_waiting = 8192;  // spans
  };
  // Opens the file, and makes it if it is not there.
  static absl::StatusOr<std::unique_ptr<SpanFile>> Create(Options options);
  // Writes what waits first.
  ~SpanFile();
  SpanFile(const SpanFile&) = delete;
  SpanFile& operator=(const SpanFile&) = delete;

  // Any thread.
  void Write(Span span);
  // Spans that are lost. Any thread.
  int64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  explicit SpanFile(Options options) : options_(std::move(options)) {}
  void Run();
  // What waits, once there is something; empty at the end.
  std::vector<Span> Take() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Open();
  absl::Status Append(const std::string& line);

  const Options options_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<Span> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<int64_t> dropped_{0};
  // The thread's.
  int fd_ = -1;
  int64_t bytes_ = 0;
  bool failing_ = false;
  std::thread thread_;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_SPAN_FILE_H_
