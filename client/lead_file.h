#ifndef LEADGATEWAY_CLIENT_LEAD_FILE_H_
#define LEADGATEWAY_CLIENT_LEAD_FILE_H_

#include <optional>
#include <string>

#include "client/lead_rows.h"

namespace leadgateway::leadctl {

enum class FileFormat { kCsv, kJsonl };

// By the name's ending: .csv, .jsonl or .ndjson, in any case. None: unknown.
std::optional<FileFormat> FormatByName(const std::string& path);

// How `path` is called in messages: "standard input" for "-".
std::string DisplayName(const std::string& path);

// Reads the leads of a file ("-": standard input). A file that cannot be read
// is `unusable`, with one mistake that says why.
LeadRows ReadLeadFile(const std::string& path, FileFormat format,
                      const RowOptions& options);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_LEAD_FILE_H_
