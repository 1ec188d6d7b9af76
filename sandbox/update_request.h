// The body of an UpdateV2 call, read strictly: the stand-in judges what it is
// sent.
#ifndef SANDBOX_UPDATE_REQUEST_H_
#define SANDBOX_UPDATE_REQUEST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leadgateway::sandbox {

struct UpdateField {
  std::string attribute;
  std::string value;
};

struct UpdateLead {
  std::vector<UpdateField> fields;  // empty when `Fields` is absent or empty
};

struct UpdateRequest {
  std::string search_key;  // empty: leads are found by ProspectId
  bool push_non_existent = false;
  std::vector<UpdateLead> leads;
};

// InvalidArgument with a text for ExceptionMessage when the body is not UTF-8
// JSON of the documented structure: every Value a string, at least one lead and
// at most max_leads. Unknown members are ignored.
absl::StatusOr<UpdateRequest> ParseUpdateRequest(absl::string_view body,
                                                 size_t max_leads);

}  // namespace leadgateway::sandbox

#endif  // SANDBOX_UPDATE_REQUEST_H_
