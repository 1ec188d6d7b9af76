#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_RESULT_JOIN_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_RESULT_JOIN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/leadsquared/wire_codec.h"
#include "gateway/model/lead.h"

namespace leadgateway::leadsquared {

// What the lists of an answer say of each lead of the call.
struct JoinedAnswer {
  std::vector<dispatch::LeadVerdict> leads;  // in the call's order
  int strangers = 0;  // entries that fit no lead, or more than one
  // The counts in Status differ from the lists' lengths.
  bool counts_differ = false;
};

// Joins the entries to the leads by identifier, never by position: exactly,
// then trimmed and without regard to case, then (values with at least 7 digits
// and nothing but what phone numbers have) by digits. An entry that fits more
// than one lead at the first step where it fits any is a stranger. A lead that
// stands in lists which contradict each other is kUntold.
JoinedAnswer JoinAnswer(absl::Span<const LeadUpdate* const> leads,
                        const UpdateAnswer& answer);

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_RESULT_JOIN_H_
