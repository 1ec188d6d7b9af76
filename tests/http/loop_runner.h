#ifndef LEADGATEWAY_TESTS_HTTP_LOOP_RUNNER_H_
#define LEADGATEWAY_TESTS_HTTP_LOOP_RUNNER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "gateway/http/curl_loop.h"
#include "gateway/http/http_client.h"

namespace leadgateway::http {

// Short forms of requests.
HttpRequest Get(std::string url);
HttpRequest Post(std::string url, std::string body);

// A loop on a thread of its own.
class LoopRunner {
 public:
  explicit LoopRunner(CurlLoop::Options options = {});
  ~LoopRunner() { Stop(); }

  // Sends `request` and waits for what becomes of it (a test that waits for
  // more than twenty seconds fails). Any thread but the loop's.
  HttpReply Fetch(HttpRequest request);

  // Runs `function` on the loop's thread and waits for its end.
  void Do(absl::AnyInvocable<void() &&> function);

  CurlLoop& loop() { return *loop_; }

  // Ends the loop and closes all of its connections.
  void Stop();

 private:
  std::unique_ptr<CurlLoop> loop_;
  std::thread thread_;
};

}  // namespace leadgateway::http

#endif  // LEADGATEWAY_TESTS_HTTP_LOOP_RUNNER_H_
