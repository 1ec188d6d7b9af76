#ifndef LEADGATEWAY_GATEWAY_MODEL_LIMITS_H_
#define LEADGATEWAY_GATEWAY_MODEL_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace leadgateway {

// The catalogue of limits. Where LeadSquared is the source, its API page says
// so; the rest is the gateway's own choice, with the reason.

// LeadSquared: "You can update a maximum of 25 leads."
inline constexpr int kMaxLeadsPerCall = 25;

// LeadSquared: "API calls exceeded the limit of 25 in 5 second(s)".
inline constexpr int kDefaultAllowanceCalls = 25;
inline constexpr absl::Duration kDefaultAllowanceWindow = absl::Seconds(5);

// Contract: 10,000 unless configured.
inline constexpr int kDefaultMaxLeadsPerRequest = 10'000;

// 10,000 leads of 30 fields of 50 bytes fit.
inline constexpr int kDefaultMaxRequestBytes = 16 << 20;

// 26 minutes of work at 125 leads a second: a queue that is longer only hides
// that the account can't keep up.
inline constexpr int kDefaultMaxQueuedLeads = 200'000;
inline constexpr int64_t kDefaultMaxQueuedBytes = int64_t{256} << 20;

// Half of the queue: nobody fills it alone.
inline constexpr int kDefaultMaxQueuedLeadsPerCaller =
    kDefaultMaxQueuedLeads / 2;
inline constexpr int64_t kDefaultMaxQueuedBytesPerCaller =
    kDefaultMaxQueuedBytes / 2;

inline constexpr absl::Duration kDefaultTimeout = absl::Minutes(30);
inline constexpr absl::Duration kDefaultDrainTimeout = absl::Seconds(5);

// Long beside the life of a change to an account's fields, short beside an
// administrator's patience; 144 calls a day.
inline constexpr absl::Duration kDefaultFieldRefresh = absl::Minutes(10);

// A certificate that is renewed hours before its end may take its time.
inline constexpr absl::Duration kDefaultTlsRefresh = absl::Seconds(10);

// Whoever changes a policy wants to see it work.
inline constexpr absl::Duration kDefaultPolicyRefresh = absl::Seconds(10);

// Each takes some 20 KB when idle: 200 MB, and as many descriptors.
inline constexpr int kDefaultMaxConnections = 10'000;
// Each RPC takes some 20 KB beside its leads.
inline constexpr int kDefaultMaxStreams = 1'000;
// What proxies add (certificates, traces) included.
inline constexpr int kDefaultMaxMetadataBytes = 16 << 10;
inline constexpr int64_t kDefaultMaxMemoryBytes = int64_t{256} << 20;
// Below the 350 s after which load balancers of clouds forget a connection.
inline constexpr absl::Duration kDefaultKeepaliveTime = absl::Minutes(1);
inline constexpr absl::Duration kDefaultKeepaliveTimeout = absl::Seconds(20);
// gRPC's clients ask every 10 s at the most.
inline constexpr absl::Duration kDefaultMinClientKeepalive = absl::Seconds(10);
inline constexpr absl::Duration kDefaultMaxConnectionAge = absl::Minutes(30);
// Longer than kDefaultTimeout.
inline constexpr absl::Duration kDefaultMaxConnectionAgeGrace =
    absl::Minutes(35);
inline constexpr absl::Duration kDefaultMaxConnectionIdle = absl::Minutes(15);
inline constexpr absl::Duration kDefaultHandshakeTimeout = absl::Seconds(10);

// An update of 25 leads takes well under a second; LeadSquared's gateway gives
// up long before this.
inline constexpr absl::Duration kDefaultCallTimeout = absl::Seconds(30);
inline constexpr absl::Duration kConnectTimeout = absl::Seconds(10);

// An answer for 25 leads has 2 to 10 KB. More than this is not an answer.
inline constexpr size_t kMaxAnswerBytes = size_t{2} << 20;

// Contract: "opaque, <= 256 bytes".
inline constexpr size_t kMaxTagBytes = 256;

// LeadSquared's own limit for the fields that identify leads is 200 characters;
// results repeat the key, and must fit in messages.
inline constexpr size_t kMaxKeyBytes = 4096;

// Mistakes and warnings that a result lists; the rest is counted.
inline constexpr int kMaxMistakesPerLead = 50;
inline constexpr int kMaxWarningsPerLead = 10;
// Beyond this many in one request, some 5 MB of text, each further lead lists
// one. 10,000 leads with two mistakes are listed whole.
inline constexpr int kMaxMistakesPerRequest = 20'000;

// A file of spans that nobody collects must not fill a disk; some 100,000
// spans.
inline constexpr int64_t kDefaultMaxTraceFileBytes = int64_t{64} << 20;

// LeadSquared's words on a result: enough for any sentence of its, and bounded
// since 10,000 of them may stand in one answer.
inline constexpr size_t kMaxReasonBytes = 1024;

// Results in one message: keeps messages small beside gRPC's default limit of
// 4 MiB for clients (25 results of a call take some 5 KB).
inline constexpr int kMaxResultsPerMessage = 500;

// Contract: the calls that carry a lead whose answer is in doubt.
inline constexpr int kMaxAmbiguousAttempts = 3;

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_MODEL_LIMITS_H_
