// Leads from text: CSV with a header row of schema names, or JSON lines, each
// an object of schema names and string values.
#ifndef SANDBOX_LEAD_LOADER_H_
#define SANDBOX_LEAD_LOADER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/field_catalogue.h"
#include "sandbox/lead_store.h"

namespace leadgateway::sandbox {

// Returns how many leads were added. A text whose first character is `{` is
// JSON lines, anything else CSV (RFC 4180 quoting). Stops at the first fault;
// the error names the line and never quotes a value. Leads before it stay.
absl::StatusOr<size_t> LoadLeads(absl::string_view text,
                                 const FieldCatalogue& catalogue,
                                 LeadStore& store);

absl::StatusOr<size_t> LoadLeadsFromFile(const std::string& path,
                                         const FieldCatalogue& catalogue,
                                         LeadStore& store);

// Reads a whole file. NotFound when it cannot be read.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_LEAD_LOADER_H_
