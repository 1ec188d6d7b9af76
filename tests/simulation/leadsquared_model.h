#ifndef LEADGATEWAY_TESTS_SIMULATION_LEADSQUARED_MODEL_H_
#define LEADGATEWAY_TESTS_SIMULATION_LEADSQUARED_MODEL_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sandbox/allowance.h"
#include "sandbox/credentials.h"
#include "sandbox/field_catalogue.h"
#include "sandbox/lead_store.h"
#include "sandbox/update_request.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/weather.h"
#include "tests/simulation/world_log.h"

namespace leadgateway::simulation {

// LeadSquared in virtual time: leads, the rules of UpdateV2 (the sandbox's, so
// none of the gateway's code), the limit, and its manners of answering.
class LeadSquaredModel {
 public:
  struct Options {
    int account = 0;
    std::vector<int> people = {};  // those that exist
    sandbox::KeyPair keys = {};    // the first
    int limit_calls = 25;
    absl::Duration limit_window = absl::Seconds(5);
    Manners manners;
  };
  // Writes into `log`. Whose lead it is that bears a token: `find`.
  using Find = std::function<std::optional<std::pair<int, int>>(
      const std::string& token)>;
  LeadSquaredModel(Options options, Dice* dice, WorldLog* log, Find find);

  struct Request {
    bool update = false;
    std::string access_key;  // of its headers
    std::string secret_key;
    std::string query;
    std::optional<sandbox::UpdateRequest> leads;  // none: unreadable
  };
  // Takes a request apart and notes the leads that it carries.
  Request Read(absl::string_view url, const std::vector<std::string>& headers,
               absl::string_view body, CallFact* fact);

  // The keys that it accepts from now on.
  void AcceptKeys(std::vector<sandbox::KeyPair> pairs) {
    keys_ = sandbox::KeyRing(std::move(pairs));
  }
  // The n-th pair of keys of an account.
  static sandbox::KeyPair KeysOf(int account, int n);

  struct Answer {
    int status = 200;
    std::string body;
    std::optional<absl::Duration> retry_after;
  };
  // Counts the call, deals with it as `fate` says, and answers.
  Answer Handle(const Request& request, const Fate& fate, absl::Time now,
                int call);

  // What the gateway's clients need to make requests.
  static std::string EmailOf(int person);
  static std::string PhoneOf(int person);
  static std::string ProspectIdOf(int person);
  static std::string CustomerIdOf(int person);
  // A value of mx_City that makes LeadSquared refuse the call.
  static constexpr absl::string_view kPoison = "poison";
  // A field that metadata still shows, and updates no longer know.
  static constexpr absl::string_view kGoneField = "mx_Gone";

 private:
  Answer Update(const sandbox::UpdateRequest& request, const Fate& fate,
                absl::Time now, int call, bool applies);
  Answer Throttle();

  const Options options_;
  Dice* const dice_;
  WorldLog* const log_;
  const Find find_;
  sandbox::FieldCatalogue shown_;  // by metadata
  sandbox::FieldCatalogue known_;  // to updates
  sandbox::LeadStore store_;
  sandbox::KeyRing keys_;
  sandbox::WindowJudge judge_;
};

}  // namespace leadgateway::simulation

#endif  // LEADGATEWAY_TESTS_SIMULATION_LEADSQUARED_MODEL_H_
