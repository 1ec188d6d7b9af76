#ifndef LEADGATEWAY_GATEWAY_HTTP_CURL_LOOP_H_
#define LEADGATEWAY_GATEWAY_HTTP_CURL_LOOP_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/http/http_client.h"

namespace leadgateway::http {

// The one loop: a curl multi handle, its transfers, and a queue of functions
// that other threads post to it.
class CurlLoop : public HttpClient {
 public:
  struct Options {
    // Connections that may be open when a transfer ends and wants to keep its
    // own: with more, the one that has been idle longest is closed. Over all
    // hosts; at least as many as there are calls in flight, or they lose
    // theirs.
    int max_idle_connections = 64;
    // Only for the test that shows why: lets libcurl send a request again by
    // itself when a reused connection dies (its default).
    bool let_libcurl_resend = false;
    // A file of PEM certificates to trust instead of the system's; "" for
    // those.
    std::string ca_file;
  };

  // `clock` must outlive the loop. Fails with kInternal if libcurl can't start,
  // kInvalidArgument if the options can't work.
  static absl::StatusOr<std::unique_ptr<CurlLoop>> Create(Options options,
                                                          const Clock& clock);

  // Runs `function` on the loop's thread, in the order of posting. Any thread,
  // any time, also from within the loop. Exactly once, unless the loop stops
  // first: then it is destroyed without being run, on the loop's thread, or on
  // the caller's if it came after Stop().
  virtual void Post(absl::AnyInvocable<void() &&> function) = 0;

  // Runs the loop on the calling thread until Stop(), once in the loop's life.
  // That thread is the loop's from here on (before, it is the creator's). After
  // whatever happened
  // and whenever the time that it returned last has come, calls `tick` with the
  // clock's Now(); `tick` returns when it wants to be called next at the latest
  // (absl::InfiniteFuture(): only when something happens). It may be called
  // sooner, and comes at most a millisecond late on an idle machine: that is as
  // finely as libcurl waits.
  virtual void Run(absl::FunctionRef<absl::Time(absl::Time now)> tick) = 0;

  // Makes Run return soon, for good. Any thread, also from within the loop:
  // there, nothing else is called once it returns. Transfers that are still
  // under way are dropped without calling their `done`.
  virtual void Stop() = 0;
};

}  // namespace leadgateway::http

#endif  // LEADGATEWAY_GATEWAY_HTTP_CURL_LOOP_H_
