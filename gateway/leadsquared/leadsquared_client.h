#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_LEADSQUARED_CLIENT_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_LEADSQUARED_CLIENT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/secret.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/http_client.h"
#include "gateway/leadsquared/credentials/credentials.h"

namespace leadgateway::leadsquared {

// LeadSquared's API for one account: puts calls into HTTP requests with the
// account's keys, and reads the answers. Lives on the loop's thread.
class LeadSquaredClient final : public dispatch::Upstream {
 public:
  struct Options {
    std::string account;   // for logs
    std::string base_url;  // "https://api-in21.leadsquared.com"
    bool credentials_in_query = false;
    absl::Duration call_timeout = absl::Seconds(30);
  };

  // Asks whether there are other keys by now: `done` is called on the loop's
  // thread, after SetCredentials if there are.
  using RecheckKeys = std::function<void(absl::AnyInvocable<void() &&> done)>;

  // `http` must outlive this object and all its calls.
  LeadSquaredClient(Options options, Credentials credentials,
                    http::HttpClient* http);

  void Update(dispatch::UpdateCall call,
              absl::AnyInvocable<void(dispatch::CallReport) &&> done) override;

  // Asks for the account's fields (LeadsMetaData.Get), with or without the
  // options of select fields. `done` is called exactly once, later; `body` is
  // the answer's where the report says kAnswered.
  void GetFields(
      bool with_options,
      absl::AnyInvocable<void(dispatch::CallReport, std::string body) &&> done);

  // Other settings, for the calls from now on; `account` stays.
  void SetOptions(Options options) { options_ = std::move(options); }

  // New keys, for the calls from now on.
  void SetCredentials(Credentials credentials) {
    credentials_ = std::move(credentials);
  }
  // Called when LeadSquared refuses the keys of a call that were the newest:
  // the report waits for it. Without, reports go straight on. The client must
  // outlive what is asked.
  void SetRecheckKeys(RecheckKeys recheck) { recheck_ = std::move(recheck); }
  const Credentials& credentials() const { return credentials_; }

 private:
  http::HttpRequest NewRequest(absl::string_view path) const;
  // Calls `done` with the report of a call that was made with the keys of this
  // generation.
  void Deliver(int64_t generation, dispatch::CallReport report,
               absl::AnyInvocable<void(dispatch::CallReport) &&> done);
  std::vector<Secret> Keys() const {
    return {credentials_.access_key, credentials_.secret_key};
  }

  Options options_;
  Credentials credentials_;
  http::HttpClient* const http_;
  RecheckKeys recheck_;
};

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_LEADSQUARED_CLIENT_H_
