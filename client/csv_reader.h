#ifndef LEADGATEWAY_CLIENT_CSV_READER_H_
#define LEADGATEWAY_CLIENT_CSV_READER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client/mistakes.h"

namespace leadgateway::leadctl {

// One row of a CSV file.
struct CsvRow {
  // The line on which the row begins, from 1. Quoted cells may hold line ends,
  // so a row can be longer than a line.
  int line = 0;

  // Empty if the row was too long.
  std::vector<std::string> cells;

  // What is wrong with the row; its cells are not to be trusted then.
  std::vector<Mistake> mistakes;
};

// Reads CSV strictly as RFC 4180 has it: comma, double quotes, a doubled quote
// inside quotes; lines end in CRLF or LF; a UTF-8 byte order mark is skipped.
// Blank lines are skipped. Cells must be UTF-8 without NUL bytes.
//
// It is ours because a file that steers updates of other people's records
// needs all its mistakes named by line and column at once, and the two C or C++
// readers in Debian do not give that: libcsv guesses at stray quotes or stops
// at the first one, trims spaces, and knows neither lines nor columns;
// libfccp has no line ends inside quotes and wants its columns at compile time.
class CsvReader {
 public:
  // A row longer than this is a mistake: nobody's lead is that long, but a
  // forgotten quote makes such rows.
  static constexpr std::size_t kMaxRowBytes = 1 << 20;

  // `text` outlives the reader.
  explicit CsvReader(std::string_view text);

  // Reads the next row into `row`. False at the end of the text.
  bool Next(CsvRow& row);

  // Whether a quote was never closed. The rest of the text was taken for its
  // cell, so rows may be missing: nothing of the file should be used.
  bool lost() const { return lost_; }

 private:
  // A cell ends at a comma, or with its row.
  enum class CellEnd { kComma, kRow };

  CellEnd ReadCell(CsvRow& row);
  CellEnd ReadQuoted(CsvRow& row, std::string& cell);
  CellEnd ReadUnquoted(CsvRow& row, std::string& cell);

  // Consumes the line end at the position, if there is one.
  bool SkipLineEnd();
  void Append(std::string& cell, std::string_view bytes);
  void Note(CsvRow& row, int line, std::string text) const;

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t row_start_ = 0;
  int line_ = 1;
  int column_ = 0;
  bool lost_ = false;
};

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_CSV_READER_H_
