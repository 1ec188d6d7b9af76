#include "client/lead_file.h"

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "client/csv_leads.h"
#include "client/file_bytes.h"
#include "client/jsonl_reader.h"

namespace leadgateway::leadctl {
namespace {

// A file is read as a whole, since its mistakes are told before anything is
// sent. As leads it takes some ten times its size in memory.
constexpr std::size_t kMaxFileBytes = std::size_t{512} << 20;

}  // namespace

std::optional<FileFormat> FormatByName(const std::string& path) {
  if (absl::EndsWithIgnoreCase(path, ".csv")) return FileFormat::kCsv;
  if (absl::EndsWithIgnoreCase(path, ".jsonl") ||
      absl::EndsWithIgnoreCase(path, ".ndjson")) {
    return FileFormat::kJsonl;
  }
  return std::nullopt;
}

std::string DisplayName(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

LeadRows ReadLeadFile(const std::string& path, FileFormat format,
                      const RowOptions& options) {
  const absl::StatusOr<std::string> text = ReadFileBytes(path, kMaxFileBytes);
  if (!text.ok()) {
    LeadRows rows;
    rows.mistakes.Add({.text = std::string(text.status().message())});
    rows.unusable = true;
    return rows;
  }
  return format == FileFormat::kCsv ? ReadCsvLeads(*text, options)
                                    : ReadJsonlLeads(*text, options);
}

}  // namespace leadgateway::leadctl
