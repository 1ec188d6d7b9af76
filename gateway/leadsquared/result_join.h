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
  // The counts in Status differ from the lists' lengths, or are no counts.
  bool counts_differ = false;
};

// Joins the entries to the leads by identifier, never by position. The first
// row that fits any lead counts:
//
//   the value exactly
//   trimmed and without regard to case, as Unicode has both
//   by digits: values of 7 to 15, and nothing but what phone numbers have
//   without any white space
//
// An entry that fits more than one lead there, or has another identifier, is a
// stranger. What the lists say of a lead that was found:
//
//   SuccessfulLeads alone                                 kUpdated
//   SuccessfulLeads, and one of the others                kUntold
//   UnProcessedLeads; FailedLeads: "Lead does not exist"  kNotFound
//   FailedLeads otherwise                                 kRejected
//   none                                                  kUntold
JoinedAnswer JoinAnswer(absl::Span<const LeadUpdate* const> leads,
                        const UpdateAnswer& answer);

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_RESULT_JOIN_H_
