#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/config/config.h"
#include "gtest/gtest.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/sandbox.h"
#include "tests/integration/gateway_fixture.h"

// What a broken account costs another one: nothing.
namespace leadgateway::testing {
namespace {

#ifdef LEADGATEWAY_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// On a busy machine, a few pairs say more of the machine than of the gateway:
// as many more are taken as it needs, up to kMostPairs. An account that does
// delay another one is over the bound in all of them.
constexpr int kPairs = 6;
constexpr int kMostPairs = 16;
constexpr double kMostRatio = 1.2;
constexpr int kRpcsPerBlock = 40;

struct Broken {
  const char* name;
  const char* faults;
};
constexpr Broken kBroken[] = {
    {"throttled", R"({"always":{"fault":"throttle_429"}})"},
    {"hanging", R"({"always":{"fault":"never_answer"}})"},
    {"failing", R"({"always":{"fault":"html_502"}})"},
    {"resetting", R"({"always":{"fault":"reset_after_applying"}})"},
    {"refused", R"({"always":{"fault":"unauthorized"}})"},
};

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q *
                                    static_cast<double>(values.size() - 1))];
}

// Requests for the broken accounts, as long as it exists.
class Trouble {
 public:
  explicit Trouble(Gateway& gateway) {
    for (const Broken& broken : kBroken) {
      for (int i = 0; i < 2; ++i) {
        threads_.emplace_back(
            [this, &gateway, name = std::string(broken.name), first = i * 100] {
              while (!stop_) {
                v1::BulkUpdateLeadsRequest request = Updates(first, 100);
                request.set_account(name);
                CallOptions options;
                options.deadline = absl::Milliseconds(500);
                const Answer answer = gateway.Update(request, options);
                succeeded_ += CountOf(answer, v1::OUTCOME_UPDATED);
                ++rpcs_;
                // Where an account fails at once, its clients don't spin
                // either.
                absl::SleepFor(absl::Milliseconds(20));
              }
            });
      }
    }
  }
  ~Trouble() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    EXPECT_EQ(succeeded_, 0);
    EXPECT_GT(rpcs_, 0);
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> succeeded_{0};
  std::atomic<int> rpcs_{0};
  std::vector<std::thread> threads_;
};

TEST(IsolationTest, BrokenAccountsDoNotDelayAHealthyOne) {
  GatewaySetup setup;
  setup.Allow(1000, absl::Seconds(1));
  setup.Faults(R"({"always":{"latency_min_ms":40,"latency_max_ms":60}})");
  std::vector<std::unique_ptr<sandbox::Sandbox>> sandboxes;
  for (const Broken& broken : kBroken) {
    sandbox::SandboxOptions options;
    options.account.generate_leads = 2000;
    options.account.allowance.calls = 1000;
    options.account.faults_json = broken.faults;
    sandboxes.push_back(*sandbox::Sandbox::Create(std::move(options)));
    AccountOptions account = setup.account;
    account.name = broken.name;
    account.base_url = sandboxes.back()->url();
    account.call_timeout = absl::Seconds(1);
    setup.other_accounts.push_back(account);
  }
  Gateway gateway(setup);
  // The times of some RPCs for the healthy account, in ms.
  int lead = 0;
  const auto block = [&] {
    std::vector<double> took;
    for (int i = 0; i < kRpcsPerBlock; ++i, lead = (lead + 25) % 1900) {
      const Answer answer = gateway.Update(Updates(lead, 25));
      ExpectAll(answer, 25, v1::OUTCOME_UPDATED);
      took.push_back(absl::ToDoubleMilliseconds(answer.took));
    }
    return took;
  };
  block();  // makes connections
  std::vector<double> ratios;
  std::vector<double> all_alone;
  std::vector<double> all_beside;
  const auto enough = [&ratios](int pairs) {
    if (kSanitized) return pairs >= 1;
    return pairs >= kMostPairs ||
           (pairs >= kPairs && Quantile(ratios, 0.5) <= kMostRatio);
  };
  for (int pair = 0; !enough(pair); ++pair) {
    std::vector<double> alone;
    std::vector<double> beside;
    if (pair % 2 == 0) alone = block();
    {
      const Trouble trouble(gateway);
      beside = block();
    }
    if (pair % 2 == 1) alone = block();
    ratios.push_back(Quantile(beside, 0.99) / Quantile(alone, 0.99));
    all_alone.insert(all_alone.end(), alone.begin(), alone.end());
    all_beside.insert(all_beside.end(), beside.begin(), beside.end());
  }
  printf(
      "alone: p50 %.1f ms, p99 %.1f ms; beside five broken accounts: p50 %.1f "
      "ms, p99 %.1f ms; ratio of p99: median of %d pairs %.3f, in all %.3f\n",
      Quantile(all_alone, 0.5), Quantile(all_alone, 0.99),
      Quantile(all_beside, 0.5), Quantile(all_beside, 0.99),
      static_cast<int>(ratios.size()), Quantile(ratios, 0.5),
      Quantile(all_beside, 0.99) / Quantile(all_alone, 0.99));
  if (!kSanitized) {
    EXPECT_LE(Quantile(ratios, 0.5), kMostRatio);
  }
}

}  // namespace
}  // namespace leadgateway::testing
