#ifndef LEADGATEWAY_GATEWAY_SERVER_RESULT_PROTO_H_
#define LEADGATEWAY_GATEWAY_SERVER_RESULT_PROTO_H_

#include "absl/time/time.h"
#include "gateway/dispatch/job.h"
#include "gateway/model/lead.h"
#include "gateway/model/outcome.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"

// Our results as the contract's messages.
namespace leadgateway::server {

v1::Outcome ToProto(Outcome outcome);

// Takes the texts out of `result`.
void MoveToProto(LeadResult result, v1::LeadResult* out);

void ToProto(const dispatch::JobProgress& progress, v1::Progress* out);
void ToProto(absl::Duration duration, google::protobuf::Duration* out);
void ToProto(absl::Time time, google::protobuf::Timestamp* out);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_RESULT_PROTO_H_
