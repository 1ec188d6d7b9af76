#include "gateway/http/curl_loop.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/mutex.h"
#include "gateway/http/curl_handles.h"
#include "gateway/http/curl_transfer.h"
#include "gateway/http/http_client.h"

namespace leadgateway::http {
namespace {

// Easy handles that are kept for the next transfers; each is some ten KiB.
constexpr size_t kMaxPooledHandles = 64;

// The longest wait, should nobody want to be woken: nothing depends on it.
constexpr absl::Duration kLongestWait = absl::Seconds(60);

// How long the loop rests when libcurl reports that it can't wait or work at
// all (no memory): without it, it would spin.
constexpr absl::Duration kRestAfterError = absl::Milliseconds(5);

class CurlLoopImpl final : public CurlLoop {
 public:
  CurlLoopImpl(Options options, const Clock& clock, MultiHandle multi)
      : transfer_options_{options.let_libcurl_resend,
                          std::move(options.ca_file)},
        clock_(clock),
        multi_(std::move(multi)) {}

  ~CurlLoopImpl() override {
    Stop();
    DropEverything();
  }

  void Send(HttpRequest request,
            absl::AnyInvocable<void(HttpReply) &&> done) override {
    if (stopped_) return;
    if (absl::Status status = CheckRequest(request); !status.ok()) {
      Refuse(std::move(status), std::move(done));
      return;
    }
    EasyHandle easy = TakeEasy();
    if (easy == nullptr) {
      Refuse(absl::InternalError("out of memory"), std::move(done));
      return;
    }
    auto transfer = std::make_unique<CurlTransfer>(
        std::move(easy), std::move(request), std::move(done), clock_);
    absl::Status status = transfer->Prepare(transfer_options_);
    if (status.ok() &&
        curl_multi_add_handle(multi_.get(), transfer->easy()) != CURLM_OK) {
      status = absl::InternalError("libcurl took no further transfer");
    }
    if (!status.ok()) {
      Refuse(std::move(status), transfer->TakeDone());
      return;
    }
    CURL* const key = transfer->easy();
    under_way_.emplace(key, std::move(transfer));
  }

  void Post(absl::AnyInvocable<void() &&> function) override {
    bool wake = false;
    {
      MutexLock lock(mutex_);
      // Else `function` goes when this returns, after the lock.
      if (!stopped_) {
        // Who finds an empty queue wakes the loop; it takes all at once, so
        // that what is added meanwhile comes along.
        wake = queue_.empty();
        queue_.push_back(std::move(function));
      }
    }
    if (wake) curl_multi_wakeup(multi_.get());
  }

  void Run(absl::FunctionRef<absl::Time(absl::Time now)> tick) override {
    while (!stopped_) {
      RunPosted();
      if (stopped_) break;
      const absl::Time next = tick(clock_.Now());
      if (stopped_) break;
      const CURLMcode code = Perform();
      if (Deliver()) continue;  // something happened: tick first, then wait
      Wait(next);
      if (code != CURLM_OK) absl::SleepFor(kRestAfterError);
    }
    DropEverything();
  }

  void Stop() override {
    {
      // Under the lock, so that a Post either is in the queue now or sees it.
      MutexLock lock(mutex_);
      stopped_ = true;
    }
    curl_multi_wakeup(multi_.get());
  }

 private:
  using Done = CurlTransfer::Done;

  // A reply and who waits for it.
  struct Finished {
    HttpReply reply;
    Done done;
  };

  void Refuse(absl::Status status, Done done) {
    HttpReply reply;
    reply.status = std::move(status);
    reply.done_at = clock_.Now();
    finished_.push_back({std::move(reply), std::move(done)});
  }

  EasyHandle TakeEasy() {
    if (pool_.empty()) return EasyHandle(curl_easy_init());
    EasyHandle easy = std::move(pool_.back());
    pool_.pop_back();
    return easy;
  }

  // Runs what has been posted until now; what that posts waits for the next
  // turn, lest a function that posts itself keeps the sockets waiting.
  void RunPosted() {
    std::vector<absl::AnyInvocable<void() &&>> functions;
    {
      MutexLock lock(mutex_);
      functions.swap(queue_);
    }
    for (auto& function : functions) {
      if (stopped_) return;
      // Gone as soon as it has run, with all that it holds.
      auto now = std::move(function);
      std::move(now)();
    }
  }

  CURLMcode Perform() {
    int running = 0;
    const CURLMcode code = curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) {
        // Copied: `message` is void once the handle has left.
        Finish(message->easy_handle, message->data.result);
      }
    }
    return code;
  }

  void Finish(CURL* easy, CURLcode code) {
    const auto found = under_way_.find(easy);
    if (found == under_way_.end()) return;
    const std::unique_ptr<CurlTransfer> transfer = std::move(found->second);
    under_way_.erase(found);
    finished_.push_back({transfer->TakeReply(code), transfer->TakeDone()});
    curl_multi_remove_handle(multi_.get(), easy);
    EasyHandle handle = transfer->TakeEasy();
    if (pool_.size() < kMaxPooledHandles) {
      // Now, while the transfer that it points at still exists.
      curl_easy_reset(handle.get());
      pool_.push_back(std::move(handle));
    }
  }

  // Calls who waits for what has finished; whether there was anybody.
  bool Deliver() {
    if (finished_.empty()) return false;
    std::vector<Finished> finished;
    finished.swap(finished_);
    for (Finished& each : finished) {
      if (stopped_) break;
      Done done = std::move(each.done);
      std::move(done)(std::move(each.reply));
    }
    return true;
  }

  // Until a socket has something, somebody posts, or it is time.
  void Wait(absl::Time next) {
    const absl::Duration left = std::min(next - clock_.Now(), kLongestWait);
    if (left <= absl::ZeroDuration()) return;
    // libcurl counts whole milliseconds. Rounding down comes early, and what is
    // left is waited for in another turn; the last piece is rounded up, since
    // waiting for zero of them would be spinning.
    const int milliseconds =
        std::max(1, static_cast<int>(absl::ToInt64Milliseconds(left)));
    if (curl_multi_poll(multi_.get(), nullptr, 0, milliseconds, nullptr) !=
        CURLM_OK) {
      absl::SleepFor(kRestAfterError);
    }
  }

  // All that has not been called is destroyed instead. What is destroyed may
  // call Post and Send, which destroy what they are given.
  void DropEverything() {
    const auto under_way = std::exchange(under_way_, {});
    for (const auto& [easy, transfer] : under_way) {
      curl_multi_remove_handle(multi_.get(), easy);
    }
    const auto finished = std::exchange(finished_, {});
    std::vector<absl::AnyInvocable<void() &&>> functions;
    {
      MutexLock lock(mutex_);
      functions.swap(queue_);
    }
  }

  const CurlTransfer::Options transfer_options_;
  const Clock& clock_;

  Mutex mutex_;
  std::vector<absl::AnyInvocable<void() &&>> queue_ ABSL_GUARDED_BY(mutex_);
  // Set under mutex_, for good; read without it where the moment doesn't
  // matter.
  std::atomic<bool> stopped_{false};

  // From here on, the loop's thread only; but multi_ also takes wake-ups, from
  // any thread. It is destroyed after everything that was in it.
  const MultiHandle multi_;
  std::unordered_map<CURL*, std::unique_ptr<CurlTransfer>> under_way_;
  std::vector<EasyHandle> pool_;
  std::vector<Finished> finished_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CurlLoop>> CurlLoop::Create(Options options,
                                                           const Clock& clock) {
  if (options.max_idle_connections < 1) {
    return absl::InvalidArgumentError("max_idle_connections must be positive");
  }
  if (!options.ca_file.empty() && access(options.ca_file.c_str(), R_OK) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the file of trusted certificates can't be read: ", options.ca_file));
  }
  // Once in the process, and never undone: other loops may live on.
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (global != CURLE_OK) return absl::InternalError("libcurl can't start");

  MultiHandle multi(curl_multi_init());
  if (multi == nullptr) {
    return absl::InternalError("libcurl can't start: no multi handle");
  }
  // By default libcurl keeps four connections a transfer, and closes good ones
  // whenever fewer transfers happen to run.
  if (curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS,
                        static_cast<long>(options.max_idle_connections)) !=
          CURLM_OK ||
      curl_multi_setopt(multi.get(), CURLMOPT_PIPELINING,
                        static_cast<long>(CURLPIPE_NOTHING)) != CURLM_OK) {
    return absl::InternalError("libcurl can't start: an option was refused");
  }
  // Without file descriptors for it the wake-up is silently missing, and every
  // Post would wait for something else to happen.
  if (curl_multi_wakeup(multi.get()) != CURLM_OK) {
    return absl::InternalError("libcurl can't start: no wake-up");
  }
  return std::make_unique<CurlLoopImpl>(std::move(options), clock,
                                        std::move(multi));
}

}  // namespace leadgateway::http
