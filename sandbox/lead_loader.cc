#include "sandbox/lead_loader.h"

#include <rapidjson/document.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace leadgateway::sandbox {
namespace {

absl::Status AtLine(size_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("Line ", line, ": ", what));
}

// Takes one CSV record off the front of text, and counts its line ends.
// Returns false when a quote is never closed.
bool TakeRecord(absl::string_view& text, size_t& lines,
                std::vector<std::string>& cells) {
  cells.assign(1, "");
  bool quoted = false;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        cells.back() += '"';
        ++i;
      } else if (c == '"') {
        quoted = false;
      } else {
        if (c == '\n') ++lines;
        cells.back() += c;
      }
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  ++lines;
  text.remove_prefix(i < text.size() ? i + 1 : i);
  return !quoted;
}

absl::StatusOr<size_t> LoadCsv(absl::string_view text,
                               const FieldCatalogue& catalogue,
                               LeadStore& store) {
  size_t line = 0;
  std::vector<std::string> header;
  if (!TakeRecord(text, line, header)) {
    return AtLine(1, "a quote is not closed");
  }
  for (std::string& name : header) {
    absl::StripAsciiWhitespace(&name);
    if (catalogue.Find(name) == nullptr) {
      return AtLine(1, absl::StrCat("no field is named '", name, "'"));
    }
  }
  size_t count = 0;
  std::vector<std::string> cells;
  while (!text.empty()) {
    const size_t first_line = line + 1;
    if (!TakeRecord(text, line, cells)) {
      return AtLine(first_line, "a quote is not closed");
    }
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (cells.size() != header.size()) {
      return AtLine(first_line,
                    absl::StrCat("has ", cells.size(), " values, the header ",
                                 header.size()));
    }
    std::vector<LeadStore::NamedValue> fields;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (!cells[i].empty()) fields.emplace_back(header[i], cells[i]);
    }
    if (absl::Status status = store.Add(fields).status(); !status.ok()) {
      return AtLine(first_line, status.message());
    }
    ++count;
  }
  return count;
}

absl::StatusOr<size_t> LoadJsonLines(absl::string_view text,
                                     const FieldCatalogue& catalogue,
                                     LeadStore& store) {
  size_t line = 0;
  size_t count = 0;
  for (absl::string_view row : absl::StrSplit(text, '\n')) {
    ++line;
    row = absl::StripAsciiWhitespace(row);
    if (row.empty()) continue;
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag |
                   rapidjson::kParseValidateEncodingFlag>(row.data(),
                                                          row.size());
    if (document.HasParseError() || !document.IsObject()) {
      return AtLine(line, "is not a JSON object");
    }
    std::vector<LeadStore::NamedValue> fields;
    for (const auto& member : std::as_const(document).GetObject()) {
      const absl::string_view name(member.name.GetString(),
                                   member.name.GetStringLength());
      if (catalogue.Find(name) == nullptr) {
        return AtLine(line, absl::StrCat("no field is named '", name, "'"));
      }
      if (!member.value.IsString()) {
        return AtLine(line,
                      absl::StrCat("the value of ", name, " is not a string"));
      }
      fields.emplace_back(name, std::string(member.value.GetString(),
                                            member.value.GetStringLength()));
    }
    if (absl::Status status = store.Add(fields).status(); !status.ok()) {
      return AtLine(line, status.message());
    }
    ++count;
  }
  return count;
}

}  // namespace

absl::StatusOr<size_t> LoadLeads(absl::string_view text,
                                 const FieldCatalogue& catalogue,
                                 LeadStore& store) {
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");  // A byte order mark.
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(text);
  if (start.empty()) return 0;
  return start[0] == '{' ? LoadJsonLines(text, catalogue, store)
                         : LoadCsv(text, catalogue, store);
}

absl::StatusOr<size_t> LoadLeadsFromFile(const std::string& path,
                                         const FieldCatalogue& catalogue,
                                         LeadStore& store) {
  absl::StatusOr<std::string> text = ReadWholeFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<size_t> count = LoadLeads(*text, catalogue, store);
  if (!count.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", count.status().message()));
  }
  return count;
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf() || file.peek() == EOF)) {
    return absl::NotFoundError(absl::StrCat("Cannot read ", path));
  }
  return text.str();
}

}  // namespace leadgateway::sandbox
