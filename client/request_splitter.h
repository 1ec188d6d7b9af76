#ifndef LEADGATEWAY_CLIENT_REQUEST_SPLITTER_H_
#define LEADGATEWAY_CLIENT_REQUEST_SPLITTER_H_

#include <cstddef>
#include <vector>

#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::client {

// How large one request to the gateway may be.
struct RequestLimits {
  // The gateway's max_leads_per_request, as it is unless configured otherwise.
  int leads = 10'000;

  // A little below the 4 MiB that a gRPC server takes by default.
  std::size_t bytes = 3'500'000;
};

// The leads [begin, end) of a request.
struct LeadRange {
  int begin = 0;
  int end = 0;
};

// Cuts the leads into ranges within the limits, in order. A lead beyond the
// byte limit alone is a range of its own: the gateway will say what it thinks
// of it. A request without leads is one empty range, for the same reason.
std::vector<LeadRange> Split(
    const leadgateway::v1::BulkUpdateLeadsRequest& request,
    const RequestLimits& limits);

// A copy of `request` with only the leads of `range`.
leadgateway::v1::BulkUpdateLeadsRequest Part(
    const leadgateway::v1::BulkUpdateLeadsRequest& request, LeadRange range);

}  // namespace leadgateway::client

#endif  // LEADGATEWAY_CLIENT_REQUEST_SPLITTER_H_
