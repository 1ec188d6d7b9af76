#ifndef LEADGATEWAY_CLIENT_JSONL_READER_H_
#define LEADGATEWAY_CLIENT_JSONL_READER_H_

#include <string_view>

#include "client/lead_rows.h"

namespace leadgateway::leadctl {

// Reads leads from JSON lines: one object a line, one member a field. A text is
// sent as a string, a number without fraction or exponent as an integer, any
// other number as a double, true and false as a boolean; null empties the
// field. Blank lines are skipped. Collects the mistakes of the whole text;
// `options.empty_cells` has no meaning here, and whether a line carries its
// search key is for the gateway to say.
LeadRows ReadJsonlLeads(std::string_view text, const RowOptions& options);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_JSONL_READER_H_
