// Whether the gateway stays within an account's allowance, by the stand-in's
// own count, and how much of it it uses. In real time, all in this process,
// over loopback.
//
//   allowance_judge [--seconds=60] [--fixed_moment]
//     As many leads as it takes: the share of the ceiling (125 leads/s at 25
//     calls in 5 s) that is used, beside the most that the slot rule allows.
//   allowance_judge --sender=token_bucket [--seconds=60]
//     The control, which must be throttled: the same HTTP client sends full
//     calls by a token bucket of 25 that fills in 5 s.
//   allowance_judge --one_lead_rate=60 [--seconds=30]
//     Requests of one lead, Poisson, whatever becomes of them: how long each
//     waits, and how full the calls are.
//   allowance_judge --together=25
//     So many requests of one lead at once, and the calls that they take.
//
// LeadSquared is given latencies of 40 to 120 ms, but 250 ms in 1 % of the
// calls, and counts a call at a random moment of that time (at half of it with
// --fixed_moment). Exits with 1 if a call was throttled.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "gateway/base/signal.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/curl_loop.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/leadsquared_client.h"
#include "gateway/model/lead.h"
#include "gateway/server/server.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/client_callback.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/allowance.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "sandbox/lead_updater.h"
#include "sandbox/sandbox.h"

ABSL_FLAG(int, seconds, 60, "How long to load the gateway.");
ABSL_FLAG(bool, fixed_moment, false,
          "LeadSquared counts at one fixed moment, and the gateway knows.");
ABSL_FLAG(double, one_lead_rate, 0,
          "Requests of one lead a second; 0: as much as goes.");
ABSL_FLAG(int, together, 0, "Requests of one lead that begin at once.");
ABSL_FLAG(std::string, sender, "gateway", "gateway or token_bucket.");
ABSL_FLAG(uint64_t, seed, 1, "What the judge draws latencies from.");

namespace leadgateway {
namespace {

constexpr int kCalls = 25;
constexpr absl::Duration kWindow = absl::Seconds(5);
constexpr int kLeads = 20'000;
constexpr int kLeadsPerCall = 25;
// Requests under way at once while saturating. They differ in size, so that
// they do not end together and leave the gateway without leads for a moment.
constexpr int kRequestsAtOnce = 16;
constexpr int LeadsOfRequest(int place) { return 250 + 50 * place; }
constexpr int kMostLeads = LeadsOfRequest(kRequestsAtOnce - 1);
static_assert(kRequestsAtOnce * kMostLeads <= kLeads);

using Clock = std::chrono::steady_clock;

v1::BulkUpdateLeadsRequest NewRequest(int first, int count) {
  v1::BulkUpdateLeadsRequest request;
  request.set_search_by_key("EmailAddress");
  for (int i = 0; i < count; ++i) {
    v1::Lead* const lead = request.add_leads();
    v1::LeadField* field = lead->add_fields();
    field->set_attribute("EmailAddress");
    field->set_string_value(
        absl::StrCat("lead", (first + i) % kLeads, "@example.com"));
    field = lead->add_fields();
    field->set_attribute("FirstName");
    field->set_string_value("Ada");
  }
  return request;
}

// What all requests bring.
struct Totals {
  std::mutex mutex;
  int64_t updated = 0;
  int64_t other = 0;
  int failed_rpcs = 0;
  std::vector<double> waits_ms;
  // When each one-lead request was due, by the lead's number.
  std::vector<absl::Time> due;
};

// One RPC, read to its end on gRPC's threads. Deletes itself.
class Reader : public grpc::ClientReadReactor<v1::BulkUpdateLeadsResponse> {
 public:
  Reader(v1::LeadGatewayService::Stub& stub, v1::BulkUpdateLeadsRequest request,
         Totals& totals, Clock::time_point due, std::shared_ptr<Signal> done)
      : request_(std::move(request)),
        totals_(totals),
        due_(due),
        done_(std::move(done)) {
    stub.async()->BulkUpdateLeads(&context_, &request_, this);
    StartRead(&message_);
    StartCall();
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    for (const v1::LeadResult& result : message_.results()) {
      ++(result.outcome() == v1::OUTCOME_UPDATED ? updated_ : other_);
    }
    StartRead(&message_);
  }
  void OnDone(const grpc::Status& status) override {
    const std::chrono::duration<double, std::milli> wait = Clock::now() - due_;
    {
      const std::lock_guard<std::mutex> lock(totals_.mutex);
      totals_.updated += updated_;
      totals_.other += other_;
      totals_.failed_rpcs += !status.ok();
      totals_.waits_ms.push_back(wait.count());
    }
    const std::shared_ptr<Signal> done = std::move(done_);
    delete this;
    done->Set();
  }

  const v1::BulkUpdateLeadsRequest request_;
  Totals& totals_;
  const Clock::time_point due_;
  std::shared_ptr<Signal> done_;
  grpc::ClientContext context_;
  v1::BulkUpdateLeadsResponse message_;
  int64_t updated_ = 0;
  int64_t other_ = 0;
};

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto at =
      static_cast<size_t>(share * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

// Keeps kRequestsAtOnce requests under way until `end`.
void Saturate(v1::LeadGatewayService::Stub& stub, Totals& totals,
              Clock::time_point end) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kRequestsAtOnce; ++i) {
    threads.emplace_back([&, i] {
      while (Clock::now() < end) {
        const auto done = std::make_shared<Signal>();
        // Each place has keys of its own.
        new Reader(stub, NewRequest(i * kMostLeads, LeadsOfRequest(i)), totals,
                   Clock::now(), done);
        done->WaitFor(absl::Minutes(5));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Starts requests when they are due, whatever becomes of the earlier ones.
void SendOpenLoop(v1::LeadGatewayService::Stub& stub, Totals& totals,
                  double rate, Clock::time_point end) {
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(rate);
  std::vector<std::shared_ptr<Signal>> all;
  Clock::time_point due = Clock::now();
  for (int n = 0;; ++n) {
    due += std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(gap(random)));
    if (due >= end) break;
    std::this_thread::sleep_until(due);
    totals.due.push_back(absl::Now() - absl::FromChrono(Clock::now() - due));
    all.push_back(std::make_shared<Signal>());
    new Reader(stub, NewRequest(n, 1), totals, due, all.back());
  }
  for (const auto& done : all) done->WaitFor(absl::Minutes(5));
}

// `count` requests of one lead at the same moment.
void SendTogether(v1::LeadGatewayService::Stub& stub, Totals& totals,
                  int count) {
  std::vector<std::shared_ptr<Signal>> all;
  for (int n = 0; n < count; ++n) {
    all.push_back(std::make_shared<Signal>());
    new Reader(stub, NewRequest(n, 1), totals, Clock::now(), all.back());
  }
  for (const auto& done : all) done->WaitFor(absl::Minutes(5));
}

// The control: full calls whenever a token is there, through the gateway's own
// HTTP client.
void SendByTokenBucket(const std::string& url, const sandbox::KeyPair& keys,
                       Totals& totals, std::chrono::seconds load) {
  const SystemClock& clock = SystemClock::Get();
  auto loop = http::CurlLoop::Create({}, clock);
  if (!loop.ok()) return;
  leadsquared::Credentials credentials;
  credentials.access_key = Secret(keys.access_key);
  credentials.secret_key = Secret(keys.secret_key);
  leadsquared::LeadSquaredClient client({.account = "acme", .base_url = url},
                                        std::move(credentials), loop->get());
  std::vector<LeadUpdate> leads(kLeads);
  for (int i = 0; i < kLeads; ++i) {
    leads[i].index = i % kLeadsPerCall;
    leads[i].fields = {
        {"EmailAddress", absl::StrCat("lead", i, "@example.com")},
        {"FirstName", "Ada"}};
    leads[i].lane_key = leads[i].fields.front().value;
  }
  const absl::Duration token = kWindow / kCalls;
  const absl::Time end = clock.Now() + absl::FromChrono(load);
  absl::Duration level = kWindow;
  absl::Time filled = clock.Now();
  int next = 0;
  int under_way = 0;
  (*loop)->Run([&](absl::Time now) {
    level = std::min(kWindow, level + (now - filled));
    filled = now;
    for (; now < end && level >= token; level -= token) {
      dispatch::UpdateCall call;
      call.search_key = "EmailAddress";
      for (int i = 0; i < kLeadsPerCall; ++i) {
        call.leads.push_back(&leads[next++ % kLeads]);
      }
      ++under_way;
      client.Update(std::move(call), [&](dispatch::CallReport report) {
        --under_way;
        (report.verdict == dispatch::CallVerdict::kAnswered ? totals.updated
                                                            : totals.other) +=
            kLeadsPerCall;
      });
    }
    if (now >= end && under_way == 0) (*loop)->Stop();
    return now >= end ? absl::InfiniteFuture() : now + (token - level);
  });
}

struct Steady {
  double leads_per_s = 0;
  double mean_latency_s = 0;
};

// From one call to the one that took its place in the window some times later,
// as the mean over the N places: calls come in bunches of a window's worth, so
// that any other stretch of time would hold a bunch too many or too few, and
// the bunches spread out with time. The first two windows are left out, since
// the first starts with all calls free.
Steady SteadyState(const std::vector<sandbox::CallRecord>& calls,
                   absl::Duration load) {
  Steady steady;
  constexpr size_t kFirst = 2 * kCalls;
  size_t last = kFirst;
  while (last + 2 * kCalls <= calls.size() &&
         calls[last + 2 * kCalls - 1].arrival < calls.front().arrival + load) {
    last += kCalls;
  }
  if (last == kFirst) return steady;
  int64_t leads = 0;
  absl::Duration latency;
  for (size_t i = kFirst; i < last; ++i) {
    if (calls[i].verdict == sandbox::Verdict::kAnswered) {
      leads += calls[i].lead_count;
    }
    latency += calls[i].answered.value_or(calls[i].arrival) - calls[i].arrival;
  }
  absl::Duration time;
  for (size_t place = 0; place < kCalls; ++place) {
    time += calls[last + place].arrival - calls[kFirst + place].arrival;
  }
  steady.leads_per_s =
      static_cast<double>(leads) / absl::ToDoubleSeconds(time / kCalls);
  steady.mean_latency_s =
      absl::ToDoubleSeconds(latency) / static_cast<double>(last - kFirst);
  return steady;
}

// How long each one-lead request waited from when it was due until the call
// that carried it arrived at LeadSquared, in milliseconds.
std::vector<double> WaitsToDeparture(
    const std::vector<sandbox::CallRecord>& calls,
    const std::vector<absl::Time>& due) {
  absl::flat_hash_map<std::string, absl::Time> due_by_key;
  for (size_t i = 0; i < due.size(); ++i) {
    due_by_key.emplace(absl::StrCat("lead", i % kLeads, "@example.com"),
                       due[i]);
  }
  std::vector<double> waits;
  for (const sandbox::CallRecord& call : calls) {
    for (const sandbox::RequestLead& lead : call.Leads()) {
      const auto it = due_by_key.find(lead.key_value);
      if (it == due_by_key.end()) continue;
      waits.push_back(absl::ToDoubleMilliseconds(call.arrival - it->second));
    }
  }
  return waits;
}

int Run() {
  const bool fixed_moment = absl::GetFlag(FLAGS_fixed_moment);
  const double rate = absl::GetFlag(FLAGS_one_lead_rate);
  const int together = absl::GetFlag(FLAGS_together);
  const bool control = absl::GetFlag(FLAGS_sender) == "token_bucket";
  if (!control && absl::GetFlag(FLAGS_sender) != "gateway") {
    std::fprintf(stderr, "--sender must be gateway or token_bucket\n");
    return 2;
  }
  const auto seconds = std::chrono::seconds(absl::GetFlag(FLAGS_seconds));

  sandbox::SandboxOptions judge;
  judge.account.generate_leads = kLeads;
  judge.account.allowance.calls = kCalls;
  judge.account.allowance.window = kWindow;
  judge.account.allowance.count_at =
      fixed_moment ? sandbox::CountAt::kFraction : sandbox::CountAt::kRandom;
  judge.account.always.latency_min = absl::Milliseconds(40);
  judge.account.always.latency_max = absl::Milliseconds(120);
  judge.account.always.spike_probability = 0.01;
  judge.account.always.spike_to = absl::Milliseconds(250);
  judge.account.seed = absl::GetFlag(FLAGS_seed);
  auto sandbox = sandbox::Sandbox::Create(std::move(judge));
  if (!sandbox.ok()) {
    std::fprintf(stderr, "%s\n", sandbox.status().ToString().c_str());
    return 1;
  }

  std::string directory =
      (std::filesystem::temp_directory_path() / "allowance_judge_XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) return 1;
  const sandbox::KeyPair keys = sandbox::TestKeys();
  GatewayOptions options;
  options.listen_address = "127.0.0.1:0";
  options.log_level = LogLevel::kError;
  options.default_account = "acme";
  AccountOptions& account = options.accounts.emplace_back();
  account.name = "acme";
  account.base_url = (*sandbox)->url();
  account.access_key_file = directory + "/access_key";
  account.secret_key_file = directory + "/secret_key";
  account.calls = kCalls;
  account.window = kWindow;
  account.fixed_moment = fixed_moment;
  account.schema_checks = false;
  std::ofstream(account.access_key_file) << keys.access_key;
  std::ofstream(account.secret_key_file) << keys.secret_key;
  for (const std::string& file :
       {account.access_key_file, account.secret_key_file}) {
    std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                           std::filesystem::perms::owner_write);
  }
  auto server = server::Server::Create(std::move(options));
  std::filesystem::remove_all(directory);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  const auto stub = v1::LeadGatewayService::NewStub(grpc::CreateChannel(
      (*server)->listen_address(), grpc::InsecureChannelCredentials()));

  Totals totals;
  const Clock::time_point end = Clock::now() + seconds;
  if (control) {
    SendByTokenBucket((*sandbox)->url(), keys, totals, seconds);
  } else if (together > 0) {
    SendTogether(*stub, totals, together);
  } else if (rate > 0) {
    SendOpenLoop(*stub, totals, rate, end);
  } else {
    Saturate(*stub, totals, end);
  }

  const sandbox::CallStats stats = (*sandbox)->account().Stats();
  const std::vector<sandbox::CallRecord> calls =
      (*sandbox)->account().Record(1, 1'000'000);
  const double mean_leads =
      stats.updates_received == 0
          ? 0
          : static_cast<double>(stats.leads_received) /
                static_cast<double>(stats.updates_received);
  std::printf("counted %s; latency 40 to 120 ms, 1 %% 250 ms\n",
              fixed_moment ? "at half of the latency" : "at a random moment");
  if (together > 0) {
    std::printf("requests of one lead at once: %d\n", together);
  } else if (rate > 0) {
    std::printf("requests of one lead: %zu at %.0f a second\n",
                totals.waits_ms.size(), rate);
    std::vector<double> departures = WaitsToDeparture(calls, totals.due);
    std::printf(
        "wait, from due to its call's arrival at the judge: p50 %.0f ms, "
        "p99 %.0f ms (%zu leads)\n",
        Percentile(departures, 0.5), Percentile(departures, 0.99),
        departures.size());
    std::printf("wait, from due to answered: p50 %.0f ms, p99 %.0f ms\n",
                Percentile(totals.waits_ms, 0.5),
                Percentile(totals.waits_ms, 0.99));
  } else {
    const double ceiling =
        kCalls * kLeadsPerCall / absl::ToDoubleSeconds(kWindow);
    const Steady steady = SteadyState(calls, absl::FromChrono(seconds));
    if (steady.leads_per_s == 0) {
      std::printf("too short to tell the steady state: 20 seconds at least\n");
    } else {
      // A slot is taken for W and the call's latency; counted at one known
      // moment, for W and what the latency varies.
      const double held = fixed_moment
                              ? std::max(0.0, steady.mean_latency_s - 0.04)
                              : steady.mean_latency_s;
      const double bound = absl::ToDoubleSeconds(kWindow) /
                           (absl::ToDoubleSeconds(kWindow) + held);
      std::printf(
          "steady state: %.1f leads/s, %.2f %% of %.0f leads/s; the slot rule "
          "allows %.2f %% at a mean latency of %.0f ms\n",
          steady.leads_per_s, 100 * steady.leads_per_s / ceiling, ceiling,
          100 * bound, 1000 * steady.mean_latency_s);
    }
    int64_t in_time = 0;
    for (const sandbox::CallRecord& call : calls) {
      if (call.verdict == sandbox::Verdict::kAnswered &&
          call.arrival < calls.front().arrival + absl::FromChrono(seconds)) {
        in_time += call.lead_count;
      }
    }
    std::printf(
        "from the first call on, %d s: %lld leads, %.2f %% (begins with all "
        "calls free)\n",
        absl::GetFlag(FLAGS_seconds), static_cast<long long>(in_time),
        100 * static_cast<double>(in_time) /
            (ceiling * absl::GetFlag(FLAGS_seconds)));
  }
  std::printf("leads updated: %lld, other outcomes: %lld, failed RPCs: %d\n",
              static_cast<long long>(totals.updated),
              static_cast<long long>(totals.other), totals.failed_rpcs);
  std::printf("calls: %llu of %.2f leads; in the fullest window: %d of %d\n",
              static_cast<unsigned long long>(stats.posts_arrived), mean_leads,
              stats.max_calls_in_window, kCalls);
  std::printf("throttles by the judge's count: %llu (%.2f %% of the calls)\n",
              static_cast<unsigned long long>(stats.throttled),
              100 * static_cast<double>(stats.throttled) /
                  std::max(1.0, static_cast<double>(stats.posts_arrived)));
  return stats.throttled == 0 && totals.failed_rpcs == 0 ? 0 : 1;
}

}  // namespace
}  // namespace leadgateway

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Judges the use of an account's allowance in real time.");
  absl::ParseCommandLine(argc, argv);
  return leadgateway::Run();
}
