#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_FIELDS_READER_FIELDS_READER_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_FIELDS_READER_FIELDS_READER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/schema/field_catalogue.h"

namespace leadgateway::leadsquared {

// Reads the array of fields that LeadsMetaData.Get answers, in its order.
//
// Numbers and booleans may be strings; null and "" are as good as absent.
// Unknown keys are passed over, and so are fields without a SchemaName.
//
//   unique:     IsLeadIdentifier or IsUnique. When no field has either, the
//               e-mail, phone and mobile are, unless IsUnique says otherwise.
//   read_only:  IsReadOnly, or LockAfterCreate other than 0: updates of such a
//               field are refused.
//   data_type:  DataType, but "DateTime" for a date that is shown with a time.
//
// Fails with kInvalidArgument on what is no array, has no fields, is cut short,
// has anything behind it, is not UTF-8, has a NUL, or has a known key of
// another type. The message says where, as far as can be told (the field, from
// 1, and the byte), and holds nothing of the text.
absl::StatusOr<std::vector<schema::FieldInfo>> ReadFields(
    absl::string_view json);

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_FIELDS_READER_FIELDS_READER_H_
