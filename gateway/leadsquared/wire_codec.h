#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_WIRE_CODEC_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_WIRE_CODEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/model/lead.h"

// The JSON of UpdateV2. Knows the shapes, judges nothing.
namespace leadgateway::leadsquared {

// The body of one UpdateV2 call. Every value is a JSON string. Leads that do
// not exist are always asked for separately, so that requests with either
// choice can share the call.
//
// `search_key` "" leaves SearchByKey out: leads are found by their ProspectId.
std::string EncodeUpdate(absl::string_view search_key,
                         absl::Span<const LeadUpdate* const> leads);

// One entry of a list of the answer.
struct AnswerEntry {
  std::string identifier;
  std::string value;
  std::string reason;
};

// An answer, as it stands.
struct UpdateAnswer {
  // "Status" as an object.
  std::optional<int64_t> total, succeeded, failed, unprocessed;
  bool odd_counts = false;  // one of them was no whole number
  std::vector<AnswerEntry> successful_leads, failed_leads, unprocessed_leads;
  // Whether "Details" was there, with at least one of the lists.
  bool has_lists = false;

  // "Status" as a string, as errors have it: "Error".
  std::string error_status;
  std::string exception_type;
  std::string exception_message;
};

// Reads an answer whole. Unknown keys are passed over; absent parts stay empty.
// Fails with kInvalidArgument on what is no JSON object, is cut short, has
// anything behind it, or has a known key of another type (but for the counts,
// from which nothing follows for a lead). The message holds nothing of the
// answer.
absl::StatusOr<UpdateAnswer> DecodeAnswer(absl::string_view body);

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_WIRE_CODEC_H_
