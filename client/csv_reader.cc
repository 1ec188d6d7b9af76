#include "client/csv_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <string>
#include <utility>

namespace leadgateway::leadctl {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// One row's mistakes that are kept; the file's list is bounded anyway.
constexpr std::size_t kMaxMistakesPerRow = MistakeList::kKept;

}  // namespace

CsvReader::CsvReader(std::string_view text) : text_(text) {
  if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text_.remove_prefix(kByteOrderMark.size());
  }
}

bool CsvReader::Next(CsvRow& row) {
  while (SkipLineEnd()) {
  }
  if (position_ == text_.size()) return false;

  row.line = line_;
  row.cells.clear();
  row.mistakes.clear();
  row_start_ = position_;
  column_ = 0;
  while (ReadCell(row) == CellEnd::kComma) {
  }
  if (position_ - row_start_ > kMaxRowBytes) {
    row.cells.clear();
    column_ = 0;
    Note(row, row.line,
         "the row is longer than " + std::to_string(kMaxRowBytes) +
             " bytes; is a quote missing?");
  }
  return true;
}

CsvReader::CellEnd CsvReader::ReadCell(CsvRow& row) {
  ++column_;
  const int line = line_;
  std::string cell;
  const bool quoted = position_ < text_.size() && text_[position_] == '"';
  const CellEnd end = quoted ? ReadQuoted(row, cell) : ReadUnquoted(row, cell);
  // A row that is too long keeps no more cells either: a megabyte of commas
  // would become a million strings.
  if (position_ - row_start_ > kMaxRowBytes) return end;

  if (cell.find('\0') != std::string::npos) {
    Note(row, line, "a NUL byte");
  }
  if (!simdjson::validate_utf8(cell)) {
    Note(row, line, "invalid UTF-8");
  }
  row.cells.push_back(std::move(cell));
  return end;
}

CsvReader::CellEnd CsvReader::ReadQuoted(CsvRow& row, std::string& cell) {
  const int opening_line = line_;
  ++position_;
  while (true) {
    const std::size_t quote = text_.find('"', position_);
    const std::size_t end =
        quote == std::string_view::npos ? text_.size() : quote;
    const std::string_view piece = text_.substr(position_, end - position_);
    Append(cell, piece);
    line_ += static_cast<int>(std::count(piece.begin(), piece.end(), '\n'));
    position_ = end;
    if (quote == std::string_view::npos) {
      lost_ = true;
      Note(row, opening_line, "the quote that opens this cell is never closed");
      return CellEnd::kRow;
    }
    ++position_;
    if (position_ < text_.size() && text_[position_] == '"') {
      Append(cell, "\"");
      ++position_;
      continue;
    }
    break;
  }
  if (position_ == text_.size() || SkipLineEnd()) return CellEnd::kRow;
  if (text_[position_] == ',') {
    ++position_;
    return CellEnd::kComma;
  }
  Note(row, line_, "text after the closing quote");
  std::string ignored;
  return ReadUnquoted(row, ignored);
}

CsvReader::CellEnd CsvReader::ReadUnquoted(CsvRow& row, std::string& cell) {
  const bool known_bad = !row.mistakes.empty() &&
                         row.mistakes.back().column == column_ &&
                         row.mistakes.back().line == line_;
  bool noted = known_bad;
  const std::size_t start = position_;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == ',' || c == '\n') break;
    if (c == '\r' && text_.substr(position_, 2) == "\r\n") break;
    if ((c == '"' || c == '\r') && !noted) {
      Note(row, line_,
           c == '"' ? "a quote inside a cell that does not begin with one"
                    : "a carriage return that is not part of a line end");
      noted = true;
    }
    ++position_;
  }
  Append(cell, text_.substr(start, position_ - start));
  if (position_ == text_.size() || SkipLineEnd()) return CellEnd::kRow;
  ++position_;
  return CellEnd::kComma;
}

bool CsvReader::SkipLineEnd() {
  if (position_ == text_.size()) return false;
  if (text_[position_] == '\n') {
    position_ += 1;
  } else if (text_.substr(position_, 2) == "\r\n") {
    position_ += 2;
  } else {
    return false;
  }
  ++line_;
  return true;
}

void CsvReader::Append(std::string& cell, std::string_view bytes) {
  // What is beyond the limit is scanned for the row's end but not kept.
  if (position_ - row_start_ > kMaxRowBytes) return;
  cell.append(bytes.substr(0, kMaxRowBytes));
}

void CsvReader::Note(CsvRow& row, int line, std::string text) const {
  if (row.mistakes.size() >= kMaxMistakesPerRow) return;
  row.mistakes.push_back(
      {.line = line, .column = column_, .text = std::move(text)});
}

}  // namespace leadgateway::leadctl
