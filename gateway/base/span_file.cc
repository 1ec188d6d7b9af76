#include "gateway/base/span_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/json_text.h"
#include "gateway/base/log.h"

namespace leadgateway {
namespace {

// A line holds at most so many spans, some 100 KiB.
constexpr size_t kSpansPerLine = 256;

void AppendAttribute(std::string& out, absl::string_view key,
                     const Span::Value& value) {
  out += "{\"key\":";
  AppendJsonString(out, key);
  out += ",\"value\":{";
  if (const auto* const text = std::get_if<std::string>(&value)) {
    out += "\"stringValue\":";
    AppendJsonString(out, *text);
  } else if (const auto* const number = std::get_if<int64_t>(&value)) {
    // 64-bit integers are strings in protobuf's JSON.
    absl::StrAppend(&out, "\"intValue\":\"", *number, "\"");
  } else {
    absl::StrAppend(&out,
                    "\"boolValue\":", std::get<bool>(value) ? "true" : "false");
  }
  out += "}}";
}

template <typename Pairs>
void AppendAttributes(std::string& out, const Pairs& attributes) {
  out += "\"attributes\":[";
  bool first = true;
  for (const auto& [key, value] : attributes) {
    if (!first) out += ',';
    first = false;
    AppendAttribute(out, key, Span::Value(value));
  }
  out += ']';
}

void AppendSpan(std::string& out, const Span& span) {
  absl::StrAppend(&out, "{\"traceId\":\"", span.context.TraceIdText(),
                  "\",\"spanId\":\"", span.context.SpanIdText(), "\",");
  TraceContext parent;
  parent.span_id = span.parent_id;
  if (parent.span_id != TraceContext().span_id) {
    absl::StrAppend(&out, "\"parentSpanId\":\"", parent.SpanIdText(), "\",");
  }
  out += "\"name\":";
  AppendJsonString(out, span.name);
  absl::StrAppend(&out, ",\"kind\":", static_cast<int>(span.kind),
                  ",\"startTimeUnixNano\":\"", absl::ToUnixNanos(span.started),
                  "\",\"endTimeUnixNano\":\"", absl::ToUnixNanos(span.ended),
                  "\",");
  AppendAttributes(out, span.attributes);
  if (!span.links.empty()) {
    out += ",\"links\":[";
    for (size_t i = 0; i < span.links.size(); ++i) {
      if (i > 0) out += ',';
      absl::StrAppend(&out, "{\"traceId\":\"", span.links[i].TraceIdText(),
                      "\",\"spanId\":\"", span.links[i].SpanIdText(), "\"}");
    }
    out += ']';
  }
  if (span.failed) {
    out += ",\"status\":{\"code\":2,\"message\":";
    AppendJsonString(out, span.problem);
    out += '}';
  }
  out += '}';
}

}  // namespace

std::string OtlpLine(
    absl::Span<const Span> spans,
    const std::vector<std::pair<std::string, std::string>>& resource) {
  std::string out = "{\"resourceSpans\":[{\"resource\":{";
  AppendAttributes(out, resource);
  out += "},\"scopeSpans\":[{\"scope\":{\"name\":\"lead_gateway\"},\"spans\":[";
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0) out += ',';
    AppendSpan(out, spans[i]);
  }
  out += "]}]}]}";
  return out;
}

absl::StatusOr<std::unique_ptr<SpanFile>> SpanFile::Create(Options options) {
  auto file = std::unique_ptr<SpanFile>(new SpanFile(std::move(options)));
  if (absl::Status status = file->Open(); !status.ok()) return status;
  file->thread_ = std::thread([file = file.get()] {
    pthread_setname_np(pthread_self(), "spans");
    file->Run();
  });
  return file;
}

SpanFile::~SpanFile() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
  if (fd_ >= 0) close(fd_);
}

void SpanFile::Write(Span span) {
  {
    const MutexLock lock(mutex_);
    if (waiting_.size() >= options_.most_waiting) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    waiting_.push_back(std::move(span));
  }
  changed_.NotifyAll();
}

std::vector<Span> SpanFile::Take() {
  const MutexLock lock(mutex_);
  while (waiting_.empty() && !stop_) changed_.Wait(mutex_);
  return std::exchange(waiting_, {});
}

void SpanFile::Run() {
  for (std::vector<Span> spans; !(spans = Take()).empty();) {
    for (size_t i = 0; i < spans.size(); i += kSpansPerLine) {
      const absl::Span<const Span> some =
          absl::MakeConstSpan(spans).subspan(i, kSpansPerLine);
      const absl::Status status =
          Append(absl::StrCat(OtlpLine(some, options_.resource), "\n"));
      if (!status.ok()) {
        dropped_.fetch_add(static_cast<int64_t>(some.size()),
                           std::memory_order_relaxed);
      }
      if (!status.ok() && !failing_) {
        LogLine(LogLevel::kError, "spans_not_written")
            .Add("text", status.message());
      }
      failing_ = !status.ok();
    }
  }
}

absl::Status SpanFile::Open() {
  if (fd_ >= 0) close(fd_);
  fd_ = open(options_.path.c_str(),
             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  if (fd_ < 0) return absl::ErrnoToStatus(errno, options_.path);
  struct stat info {};
  if (fstat(fd_, &info) != 0) return absl::ErrnoToStatus(errno, options_.path);
  bytes_ = info.st_size;
  return absl::OkStatus();
}

absl::Status SpanFile::Append(const std::string& line) {
  struct stat named {};
  struct stat opened {};
  const bool same = fd_ >= 0 && stat(options_.path.c_str(), &named) == 0 &&
                    fstat(fd_, &opened) == 0 && named.st_ino == opened.st_ino &&
                    named.st_dev == opened.st_dev;
  if (same && S_ISREG(opened.st_mode) && bytes_ > 0 &&
      bytes_ + static_cast<int64_t>(line.size()) > options_.most_bytes) {
    const std::string before = absl::StrCat(options_.path, ".1");
    if (rename(options_.path.c_str(), before.c_str()) != 0) {
      return absl::ErrnoToStatus(errno, before);
    }
    if (absl::Status status = Open(); !status.ok()) return status;
  } else if (!same) {
    if (absl::Status status = Open(); !status.ok()) return status;
  }
  const ssize_t written = write(fd_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) {
    bytes_ += written;
    return absl::OkStatus();
  }
  const int error = written < 0 ? errno : ENOSPC;
  if (written > 0) {
    // A reader must not find half of a line with the next one behind it.
    if (ftruncate(fd_, bytes_) != 0) bytes_ += written;
  }
  return absl::ErrnoToStatus(error, options_.path);
}

}  // namespace leadgateway
