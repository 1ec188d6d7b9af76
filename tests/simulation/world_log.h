#ifndef LEADGATEWAY_TESTS_SIMULATION_WORLD_LOG_H_
#define LEADGATEWAY_TESTS_SIMULATION_WORLD_LOG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

// What happened in one simulated world, as its two ends saw it: clients and
// LeadSquared. Plain facts; the gateway's types stay out, so that the auditor
// shares nothing with what it judges.
namespace leadgateway::simulation {

// One lead of one RPC, as the client sent it. Its value of FirstName is written
// nowhere else in the world: by that, LeadSquared's end knows it again.
struct LeadFact {
  std::string key;       // the search key's value as sent
  int person = -1;       // whom the key belongs to; -1: nobody
  std::string token;     // FirstName, and the tag
  bool invalid = false;  // must not be sent
  bool poison = false;   // LeadSquared refuses any call that carries it
  // Has a field that only LeadSquared knows not to exist: the gateway may have
  // learned of it, and need not send the lead.
  bool gone_field = false;
};

struct ResultFact {
  int index = -1;
  std::string outcome;  // "UPDATED", ...
  std::string reason;
  std::string tag;
  std::string identifier;
  std::string value;
  int attempts = 0;
  absl::Time at;
};

struct SummaryFact {
  std::map<std::string, int> counts;  // by outcome
  int total = 0;
  int upstream_calls = 0;
};

struct RpcFact {
  enum class End {
    kNone,       // it never ended
    kOk,         // with a summary
    kError,      // with `code`
    kCancelled,  // by its caller, or at its deadline
    kCrashed,    // the gateway went down under it
  };
  int generation = 0;  // of the gateway
  int account = 0;     // index into WorldLog::accounts
  std::string search_key;
  bool key_is_phone = false;
  std::vector<LeadFact> leads;
  absl::Time started;
  // from_outside: its client knows that it was taken.
  absl::Time taken = absl::InfiniteFuture();
  End end = End::kNone;
  absl::Time ended = absl::InfiniteFuture();  // for its caller
  std::string code;
  std::string reason;
  bool accepted = false;  // some result was seen, or it was not refused
  bool closed = false;    // the gateway let go of it, too
  std::vector<ResultFact> results;
  std::optional<SummaryFact> summary;
  int messages_after_summary = 0;
  int counted_by_gateway = 0;  // results by its own count
};

// A lead in a call, by its place in the call.
struct CarriedFact {
  int rpc = -1;
  int index = -1;
  // What the answer says of it, once it is whole; several of them contradict
  // each other.
  bool told_updated = false;
  bool told_failed = false;
  bool told_unprocessed = false;
};

// One request on its way to LeadSquared.
struct CallFact {
  int generation = 0;
  int account = 0;            // to which it went
  bool foreign_keys = false;  // it bore keys of another account
  bool update = false;        // not one for the fields
  bool copy = false;          // the network's own, not the gateway's
  std::vector<CarriedFact> leads;
  std::optional<absl::Time> handed;   // to the network
  std::optional<absl::Time> left;     // its bytes
  std::optional<absl::Time> counted;  // by LeadSquared, against the limit
  bool read = false;                  // LeadSquared looked at its leads
  bool refused = false;               // read, and refused whole
  std::string what;                   // of its fate, for people
  // When the gateway heard of its end, and whether by a whole answer.
  std::optional<absl::Time> ended;
  bool whole = false;
};

// A lead's update was applied.
struct WriteFact {
  absl::Time at;
  int call = -1;
  int rpc = -1;
  int index = -1;
  int person = -1;    // whose record was written
  std::string token;  // what is there now
};

struct WorldLog {
  // Of real programs: times are those of the two ends, whose clock is one. A
  // call's begin and end are as LeadSquared's end saw them, so that it lasts
  // longer than that; which leads were in a call that nobody read is not known,
  // nor are calls that never arrived. One RPC was taken before another one if
  // `taken` of the first is before `started` of the other.
  bool from_outside = false;
  // from_outside: what may leave after its RPC has ended for its caller, since
  // the gateway has not heard of it yet.
  absl::Duration hearing;
  uint64_t seed = 0;
  std::string setting;  // of the seed, for people
  struct Account {
    std::string name;
    int limit_calls = 0;
    absl::Duration limit_window;
    int64_t daily_calls = 0;  // 0: no budget
    // When its keys were exchanged.
    std::vector<absl::Time> rotations = {};
  };
  std::vector<Account> accounts;
  // When each generation of the gateway began.
  std::vector<absl::Time> lives;
  // The gateway counts its calls across its lives.
  bool keeps_state = false;
  std::vector<RpcFact> rpcs;
  std::vector<CallFact> calls;
  std::vector<WriteFact> writes;
  // By the gateway's own count, in its last state: calls it has made, by
  // account and generation.
  std::map<std::pair<int, int>, int64_t> calls_by_gateway;
  std::vector<std::string> accidents;  // what stopped the world itself
  // Of all that happened, in order: the same for the same seed.
  uint64_t digest = 0;
  absl::Duration lasted;
};

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_WORLD_LOG_H_
