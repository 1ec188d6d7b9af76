#ifndef LEADGATEWAY_TESTS_SIMULATION_WEATHER_H_
#define LEADGATEWAY_TESTS_SIMULATION_WEATHER_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/dice.h"

// What goes wrong in a world, by seed.
namespace leadgateway::simulation {

// What happens to one request.
struct Fate {
  enum class Connection { kKept, kNew, kRefused, kNeverMade };
  // Where it is lost on its way, and whether the gateway sees a reset or
  // nothing at all.
  enum class Loss { kNone, kBefore, kAfter };
  enum class Answer {
    kFaithful,
    kThrottled,
    kUnauthorized,
    kRefused,       // an MX exception, nothing applied
    kForeignError,  // a 500 of another kind: applied or not
    kUnavailable,   // a proxy's 502 or 503, not read
    kGatewayPage,   // an HTML page in place of the answer, applied
    kEmpty,         // 200 without a body, applied
    kOversized,     // applied
  };

  Connection connection = Connection::kKept;
  absl::Duration connecting;
  absl::Duration there;
  absl::Duration handling;
  absl::Duration back;
  // When in the handling it is counted and applied: 0 at its beginning, 1 at
  // its end.
  double moment = 0;
  Loss loss = Loss::kNone;
  bool silent = false;
  // A proxy that got no answer sends the request once more.
  bool copied = false;
  // A proxy answers with an error of its own after this share of the handling,
  // and LeadSquared goes on.
  std::optional<double> proxy_gives_up;
  Answer answer = Answer::kFaithful;
  bool applies = true;  // of kForeignError
  // The answer is cut: after this share of its bytes, or at this byte; by a
  // broken connection, or unnoticed.
  std::optional<double> cut;
  std::optional<size_t> cut_at;
  bool cut_unnoticed = false;
};

// How LeadSquared answers in one world.
struct Manners {
  enum class Echo { kExact, kTrimmed, kLower, kUpper, kDigits, kPadded };
  Echo echo = Echo::kExact;
  bool shuffle = false;
  double omits = 0;        // of leads that it has dealt with
  double skips = 0;        // of leads that it does not even look at
  double strangers = 0;    // of answers: an entry of a lead that nobody sent
  double contradicts = 0;  // of leads: in two lists at once
  double wrong_counts = 0;
  bool unknown_fails_call = false;
  std::string prospect_id = "ProspectID";
};

struct Weather {
  static Weather Draw(Dice& dice, absl::Duration horizon);

  Fate DrawFate(Dice& dice, absl::Time now, absl::Time start) const;
  std::string ToString() const;

  absl::Duration way;        // least time there, and back
  absl::Duration way_noise;  // at most, each way
  absl::Duration handling_least;
  absl::Duration handling_most;
  int moment = 0;   // 0: beginning, 1: end, 2: anywhere
  double slow = 0;  // calls whose handling takes up to slow_most more
  absl::Duration slow_most;

  double new_connection = 0.1;
  double refused = 0;
  double never_made = 0;
  double lost_before = 0;
  double lost_after = 0;
  double silent = 0;  // of those that are lost
  double copied = 0;
  double proxy_gives_up = 0;
  double cut = 0;
  double cut_unnoticed = 0;  // of those
  double throttled = 0;
  double unauthorized = 0;
  double mx_refused = 0;
  double foreign_error = 0;
  double unavailable = 0;
  double page = 0;
  double empty = 0;
  double oversized = 0;

  // Times, from the start of the world, at which all calls end like this.
  struct Spell {
    absl::Duration from, to;
    std::variant<Fate::Connection, Fate::Answer, Fate::Loss> what;
  };
  std::vector<Spell> spells;
  Manners manners;
};

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_WEATHER_H_
