#include "tests/http/loop_runner.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/secret.h"
#include "gateway/http/curl_loop.h"
#include "gateway/http/http_client.h"

namespace leadgateway::http {
namespace {

// A value that one thread waits for and another brings.
template <typename T>
class Parcel {
 public:
  void Bring(T value) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      value_ = std::move(value);
    }
    brought_.notify_all();
  }

  T Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!brought_.wait_for(lock, std::chrono::seconds(20),
                           [&] { return value_.has_value(); })) {
      std::fputs("the loop did not answer in time\n", stderr);
      std::abort();
    }
    return *std::move(value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable brought_;
  std::optional<T> value_;
};

}  // namespace

HttpRequest Get(std::string url) {
  HttpRequest request;
  request.url = Secret(std::move(url));
  return request;
}

HttpRequest Post(std::string url, std::string body) {
  HttpRequest request;
  request.method = HttpRequest::Method::kPost;
  request.url = Secret(std::move(url));
  request.headers.emplace_back("Content-Type: application/json");
  request.body = std::move(body);
  return request;
}

LoopRunner::LoopRunner(CurlLoop::Options options)
    : loop_(CurlLoop::Create(std::move(options), SystemClock::Get()).value()) {
  thread_ = std::thread([this] {
    loop_->Run([](absl::Time) { return absl::InfiniteFuture(); });
  });
}

HttpReply LoopRunner::Fetch(HttpRequest request) {
  auto parcel = std::make_shared<Parcel<HttpReply>>();
  loop_->Post([this, parcel, request = std::move(request)]() mutable {
    loop_->Send(std::move(request),
                [parcel](HttpReply reply) { parcel->Bring(std::move(reply)); });
  });
  return parcel->Wait();
}

void LoopRunner::Do(absl::AnyInvocable<void() &&> function) {
  auto parcel = std::make_shared<Parcel<bool>>();
  loop_->Post([parcel, function = std::move(function)]() mutable {
    std::move(function)();
    parcel->Bring(true);
  });
  parcel->Wait();
}

void LoopRunner::Stop() {
  if (loop_ == nullptr) return;
  loop_->Stop();
  thread_.join();
  loop_.reset();
}

}  // namespace leadgateway::http
