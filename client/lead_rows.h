#ifndef LEADGATEWAY_CLIENT_LEAD_ROWS_H_
#define LEADGATEWAY_CLIENT_LEAD_ROWS_H_

#include <google/protobuf/repeated_field.h>

#include <cstddef>
#include <string>
#include <vector>

#include "client/mistakes.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::leadctl {

// The longest tag that the gateway takes.
inline constexpr std::size_t kMaxTagBytes = 256;

// What an empty cell of a CSV file means.
enum class EmptyCells {
  // The field is not sent: it keeps its value.
  kSkip,
  // The field is emptied.
  kClear,
};

// How rows become leads.
struct RowOptions {
  // The field that finds the leads. Must be a column of a CSV file.
  std::string search_key = "ProspectId";

  // The column (or JSON field) whose text becomes the lead's tag instead of a
  // field of the lead. Empty: none.
  std::string tag_column;

  EmptyCells empty_cells = EmptyCells::kSkip;
};

// The leads of a file.
struct LeadRows {
  // The rows without a mistake, in the file's order.
  google::protobuf::RepeatedPtrField<leadgateway::v1::Lead> leads;

  // The line on which each of `leads` begins, from 1.
  std::vector<int> lines;

  MistakeList mistakes;

  // Rows that are not in `leads` because of a mistake.
  int bad_rows = 0;

  // Whether a mistake spoils the whole file (its header, or a quote that is
  // never closed), so that `leads` must not be used.
  bool unusable = false;
};

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_LEAD_ROWS_H_
