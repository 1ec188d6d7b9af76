// Fuzzes the reader of CSV files: the first byte chooses the options.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "client/csv_leads.h"
#include "client/lead_rows.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::leadctl {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void Run(const uint8_t* data, size_t size) {
  if (size == 0) return;
  RowOptions options;
  options.search_key = "Email";
  if ((data[0] & 1) != 0) options.tag_column = "Tag";
  if ((data[0] & 2) != 0) options.empty_cells = EmptyCells::kClear;
  const LeadRows rows = ReadCsvLeads(
      {reinterpret_cast<const char*>(data) + 1, size - 1}, options);
  Check(static_cast<size_t>(rows.leads.size()) == rows.lines.size());
  Check(rows.bad_rows >= 0);
  // Nothing is dropped without a word.
  if (rows.unusable || rows.bad_rows > 0) {
    Check(!rows.mistakes.Lines("file").empty());
  }
  int line = 0;
  for (int i = 0; i < rows.leads.size(); ++i) {
    Check(rows.lines[static_cast<size_t>(i)] > line);
    line = rows.lines[static_cast<size_t>(i)];
    // Texts that are not UTF-8 would not survive the wire.
    leadgateway::v1::Lead copy;
    Check(copy.ParseFromString(rows.leads[i].SerializeAsString()));
  }
}

}  // namespace
}  // namespace leadgateway::leadctl

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leadgateway::leadctl::Run(data, size);
  return 0;
}
