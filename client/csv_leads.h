#ifndef LEADGATEWAY_CLIENT_CSV_LEADS_H_
#define LEADGATEWAY_CLIENT_CSV_LEADS_H_

#include <string_view>

#include "client/lead_rows.h"

namespace leadgateway::leadctl {

// Reads leads from CSV text: the first row holds the fields' schema names, each
// further row is one lead. All values are sent as text, as they stand in the
// cells. Collects the mistakes of the whole text.
LeadRows ReadCsvLeads(std::string_view text, const RowOptions& options);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_CSV_LEADS_H_
