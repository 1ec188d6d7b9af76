#include "client/csv_leads.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/csv_reader.h"

namespace leadgateway::leadctl {
namespace {

std::string Cells(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " cell" : " cells");
}

// Turns rows into leads by the header's names.
class CsvLeadsReader {
 public:
  CsvLeadsReader(std::string_view text, const RowOptions& options)
      : reader_(text), options_(options) {
    constexpr std::string_view kUtf16[] = {"\xFF\xFE", "\xFE\xFF"};
    for (const std::string_view mark : kUtf16) {
      if (text.substr(0, mark.size()) == mark) {
        Spoil({.text = "the file is UTF-16; save it as UTF-8"});
      }
    }
  }

  LeadRows Read() {
    if (rows_.unusable) return std::move(rows_);
    CsvRow row;
    if (!reader_.Next(row)) {
      Spoil({.text = "the file is empty"});
      return std::move(rows_);
    }
    ReadHeader(row);
    int data_rows = 0;
    while (reader_.Next(row)) {
      ++data_rows;
      ReadLead(row);
    }
    if (reader_.lost()) rows_.unusable = true;
    if (data_rows == 0 && !rows_.unusable) {
      Spoil({.text = "the file has a header but no leads"});
    }
    return std::move(rows_);
  }

 private:
  void Spoil(Mistake mistake) {
    rows_.mistakes.Add(std::move(mistake));
    rows_.unusable = true;
  }

  void ReadHeader(CsvRow& row) {
    for (Mistake& mistake : row.mistakes) Spoil(std::move(mistake));
    std::unordered_map<std::string, int> seen;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const int column = static_cast<int>(i) + 1;
      if (row.cells[i].empty()) {
        Spoil({row.line, column, "the header has no name here"});
        continue;
      }
      const auto [first, is_new] = seen.emplace(row.cells[i], column);
      if (!is_new) {
        Spoil({row.line, column,
               "the header has the same name as in column " +
                   std::to_string(first->second)});
      }
    }
    header_ = std::move(row.cells);
    if (rows_.unusable) return;
    NeedColumn(row.line, options_.search_key, "the search key");
    if (!options_.tag_column.empty()) {
      NeedColumn(row.line, options_.tag_column, "the tag column");
    }
  }

  void NeedColumn(int line, const std::string& name, std::string_view what) {
    if (std::find(header_.begin(), header_.end(), name) != header_.end()) {
      return;
    }
    std::string text = "the header has no column \"" + name + "\" (";
    text += what;
    text += ')';
    if (header_.size() == 1) text += "; are the cells separated by commas?";
    Spoil({.line = line, .text = std::move(text)});
  }

  void ReadLead(CsvRow& row) {
    // Where the header itself is in doubt, its length proves nothing.
    if (row.mistakes.empty() && row.cells.size() != header_.size() &&
        !rows_.unusable) {
      row.mistakes.push_back({.line = row.line,
                              .text = Cells(row.cells.size()) +
                                      ", the header has " +
                                      std::to_string(header_.size())});
    }
    leadgateway::v1::Lead lead;
    if (row.mistakes.empty() && !rows_.unusable) FillLead(row, lead);
    if (row.mistakes.empty()) {
      *rows_.leads.Add() = std::move(lead);
      rows_.lines.push_back(row.line);
      return;
    }
    ++rows_.bad_rows;
    for (Mistake& mistake : row.mistakes) {
      rows_.mistakes.Add(std::move(mistake));
    }
  }

  void FillLead(CsvRow& row, leadgateway::v1::Lead& lead) const {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      std::string& cell = row.cells[i];
      if (header_[i] == options_.tag_column) {
        if (cell.size() > kMaxTagBytes) {
          row.mistakes.push_back({row.line, static_cast<int>(i) + 1,
                                  "the tag has " + std::to_string(cell.size()) +
                                      " bytes, at most " +
                                      std::to_string(kMaxTagBytes) +
                                      " are allowed"});
        }
        lead.set_tag(std::move(cell));
        continue;
      }
      if (cell.empty() && options_.empty_cells == EmptyCells::kSkip) continue;
      leadgateway::v1::LeadField& field = *lead.add_fields();
      field.set_attribute(header_[i]);
      if (cell.empty()) {
        field.mutable_clear();
      } else {
        field.set_string_value(std::move(cell));
      }
    }
  }

  CsvReader reader_;
  const RowOptions& options_;
  std::vector<std::string> header_;
  LeadRows rows_;
};

}  // namespace

LeadRows ReadCsvLeads(std::string_view text, const RowOptions& options) {
  return CsvLeadsReader(text, options).Read();
}

}  // namespace leadgateway::leadctl
