#include "tests/simulation/allowance_runs.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/simulation/allowance_model.h"
#include "tests/simulation/allowance_world.h"

namespace leadgateway::simulation {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);

// Departures of the steady state's first and last N calls. Calls that left
// together come back apart, each slot in its own time: the mean over all slots
// of what so many rounds took is what a round takes.
class SteadyState {
 public:
  explicit SteadyState(int calls) : per_window_(static_cast<size_t>(calls)) {}

  void Departed(absl::Time at) {
    // The first rounds begin with all calls free.
    if (++seen_ <= 2 * per_window_) return;
    if (first_.size() < per_window_) first_.push_back(at);
    last_.push_back(at);
    if (last_.size() > (kEndWindows + 1) * per_window_) last_.pop_front();
  }

  // Calls in `window`; 0 if there were too few.
  double CallsPer(absl::Duration window) const {
    if (seen_ <= 4 * per_window_) return 0;
    return Rate(first_, seen_ - 3 * per_window_, window);
  }
  // The same of the last kEndWindows.
  double CallsPerAtTheEnd(absl::Duration window) const {
    if (last_.size() < (kEndWindows + 1) * per_window_) return 0;
    return Rate(last_, kEndWindows * per_window_, window);
  }

 private:
  static constexpr size_t kEndWindows = 20;

  // From the first calls of `from` to the last ones, `calls` later each.
  template <typename Times>
  double Rate(const Times& from, size_t calls, absl::Duration window) const {
    absl::Duration between;
    const size_t last = last_.size() - per_window_;
    for (size_t i = 0; i < per_window_; ++i) {
      between += last_[last + i] - from[i];
    }
    return static_cast<double>(calls) *
           absl::FDivDuration(window,
                              between / static_cast<double>(per_window_));
  }

  const size_t per_window_;
  size_t seen_ = 0;
  std::vector<absl::Time> first_;
  std::deque<absl::Time> last_;
};

void Conclude(const AccountModel& model, ModelAccount& account,
              const SteadyState& steady, AllowanceFigures& figures) {
  account.CountUntil(absl::InfiniteFuture());
  figures.calls = account.counted();
  figures.throttles = account.throttles();
  figures.violations = account.violations();
  figures.most_in_window = account.most_in_window();
  figures.digest = account.digest();
  figures.last_throttle = account.last_throttle() - account.start();
  figures.last_violation = account.last_violation() - account.start();
  figures.used_at_the_end = steady.CallsPerAtTheEnd(model.window) / model.calls;
  figures.used = steady.CallsPer(model.window) / model.calls;
  figures.bound = absl::FDivDuration(
      model.window,
      model.window + account.excess() / static_cast<double>(figures.calls));
}

// ---------------------------------------------------------------- controls

AllowanceFigures RunControl(const AccountModel& model, Sender sender,
                            uint64_t seed, int64_t calls) {
  const absl::Time start = absl::UnixEpoch() + absl::Hours(1000);
  ModelAccount account(model, seed, start);
  SteadyState steady(model.calls);
  const absl::Duration each = model.window / model.calls;
  absl::Duration level = model.window;  // of the bucket, in time
  std::deque<absl::Time> log;
  absl::Time now = start;
  for (int64_t call = 0; call < calls; ++call) {
    absl::Time next = now;
    if (sender == Sender::kTokenBucket) {
      if (level < each) next = now + (each - level);
      level = std::min(model.window, level + (next - now)) - each;
    } else {
      if (static_cast<int>(log.size()) == model.calls) {
        next = std::max(now, log.front() + model.window);
        log.pop_front();
      }
      log.push_back(next);
    }
    now = next;
    account.Send(now);
    steady.Departed(now);
  }
  AllowanceFigures figures;
  Conclude(model, account, steady, figures);
  return figures;
}

// -------------------------------------------------------------------- loads

// Makes leads come as the load says.
class Feeder {
 public:
  Feeder(AllowanceWorld& world, const SimulatedModel& model, uint64_t seed)
      : world_(world), model_(model), random_(seed ^ 0x9e3779b97f4a7c15U) {}

  void Start() {
    switch (model_.load) {
      case Load::kBacklog:
        break;
      case Load::kBursts:
        Burst();
        break;
      case Load::kSingles:
        Single();
        break;
    }
  }
  void KeepBacklog() {
    const int two_windows = 50 * model_.account.calls;
    if (model_.load == Load::kBacklog && world_.leads_waiting() < two_windows) {
      world_.Submit(two_windows);
    }
  }

 private:
  void Burst() {
    const int leads = std::uniform_int_distribution<int>(1, 2'000)(random_);
    world_.Submit(leads);
    const absl::Duration pause = model_.account.window * (3 * Unit());
    // Not before most of the burst has gone.
    world_.At(world_.elapsed() + pause +
                  model_.account.window *
                      std::floor(leads / (25.0 * model_.account.calls)),
              [this] { Burst(); });
  }
  void Single() {
    world_.Submit(1);
    const double calls_per_second =
        model_.account.calls / absl::ToDoubleSeconds(model_.account.window);
    // From half of that rate to four times that, and back in a minute.
    const double rate =
        calls_per_second *
        std::exp2(0.5 + 1.5 * std::sin(absl::ToDoubleSeconds(world_.elapsed()) *
                                       (2 * M_PI / 60)));
    world_.At(world_.elapsed() + absl::Seconds(-std::log1p(-Unit()) / rate),
              [this] { Single(); });
  }
  double Unit() {
    return std::uniform_real_distribution<double>(0, 1)(random_);
  }

  AllowanceWorld& world_;
  const SimulatedModel& model_;
  std::mt19937_64 random_;
};

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at =
      static_cast<size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<long>(at),
                   values.end());
  return values[at];
}

}  // namespace

std::vector<SimulatedModel> HonestModels() {
  using Window = AccountModel::Window;
  using Moment = AccountModel::Moment;
  using Handling = AccountModel::Handling;
  const AccountModel usual{.spikes = 0.01};
  std::vector<SimulatedModel> models;
  const auto add = [&](const char* name, AccountModel account,
                       Load load = Load::kBacklog) {
    account.name = name;
    models.push_back({std::move(account), load});
  };
  const auto with = [&](const std::function<void(AccountModel&)>& change) {
    AccountModel account = usual;
    change(account);
    return account;
  };

  add("usual", usual);
  add("arrival", with([](auto& m) { m.moment = Moment::kArrival; }));
  add("answer", with([](auto& m) { m.moment = Moment::kAnswer; }));
  add("early_or_late", with([](auto& m) { m.moment = Moment::kEarlyOrLate; }));
  add("aligned", with([](auto& m) { m.counting_window = Window::kAligned; }));
  add("bucket", with([](auto& m) { m.counting_window = Window::kBucket; }));
  add("clock_fast", with([](auto& m) {
        m.clock_rate = 1 + 200e-6;
        m.moment = Moment::kAnswer;
        m.counting_window = Window::kAligned;
      }));
  add("clock_slow", with([](auto& m) {
        m.clock_rate = 1 - 200e-6;
        m.moment = Moment::kEarlyOrLate;
      }));
  add("near", with([](auto& m) {
        m.a = kMs;
        m.b = 3 * kMs;
        m.spikes = 0;
        m.network = 0.2 * kMs;
        m.jitter = 0.01 * kMs;
        m.moment = Moment::kEarlyOrLate;
        m.clock_rate = 1 - 200e-6;
      }));
  add("far", with([](auto& m) {
        m.network = 220 * kMs;
        m.share_there = 0.8;
        m.jitter = kMs;
      }));
  add("jittery_network", with([](auto& m) {
        m.network = 30 * kMs;
        m.jitter = 15 * kMs;
        m.moment = Moment::kEarlyOrLate;
      }));
  add("longer_way", with([](auto& m) {
        m.network = 20 * kMs;
        m.network_then = 90 * kMs;
        m.rerouted_after = absl::Minutes(10);
        m.jitter = kMs;
      }));
  add("constant", with([](auto& m) {
        m.a = m.b = 100 * kMs;
        m.spikes = 0;
        m.moment = Moment::kEarlyOrLate;
        m.counting_window = Window::kBucket;
      }));
  add("exponential", with([](auto& m) {
        m.handling = Handling::kExponential;
        m.a = 5 * kMs;
        m.b = 80 * kMs;
        m.network = 10 * kMs;
        m.jitter = kMs;
        m.counting_window = Window::kAligned;
        m.moment = Moment::kAnswer;
      }));
  add("lognormal", with([](auto& m) {
        m.handling = Handling::kLognormal;
        m.a = 150 * kMs;
        m.b = 0.6 * absl::Seconds(1);
        m.network = 10 * kMs;
        m.jitter = 2 * kMs;
        m.counting_window = Window::kBucket;
      }));
  add("pareto", with([](auto& m) {
        m.handling = Handling::kPareto;
        m.b = absl::Seconds(20);
        m.network = 15 * kMs;
        m.jitter = 0.5 * kMs;
      }));
  add("either", with([](auto& m) {
        m.handling = Handling::kEither;
        m.a = 30 * kMs;
        m.b = 600 * kMs;
        m.moment = Moment::kAnswer;
      }));
  add("slow", with([](auto& m) {
        m.a = absl::Seconds(0.5);
        m.b = absl::Seconds(4);
        m.moment = Moment::kEarlyOrLate;
      }));
  add("tide", with([](auto& m) { m.handling = Handling::kTide; }));
  add("killed_connections", with([](auto& m) {
        m.killed = 0.05;
        m.network = 10 * kMs;
        m.moment = Moment::kEarlyOrLate;
      }));
  // Slow calls never come back; half of them are counted after the proxy's
  // word.
  add("proxy_timeouts", with([](auto& m) {
        m.network = 10 * kMs;
        m.spikes = 0.03;
        m.spike = 1900 * kMs;
        m.proxy_patience = absl::Seconds(1);
        m.moment = Moment::kEarlyOrLate;
      }));
  add("timed_out", with([](auto& m) {
        m.spike = absl::Minutes(1);
        m.spikes = 0.002;
        m.moment = Moment::kArrival;
      }));
  add("1_in_5s", with([](auto& m) { m.calls = 1; }));
  add("5_in_5s", with([](auto& m) { m.calls = 5; }));
  add("100_in_5s", with([](auto& m) {
        m.calls = 100;
        m.counting_window = Window::kAligned;
      }));
  add("10_in_1s", with([](auto& m) {
        m.calls = 10;
        m.window = absl::Seconds(1);
        m.counting_window = Window::kBucket;
      }));
  add("25_in_60s", with([](auto& m) {
        m.window = absl::Seconds(60);
        m.clock_rate = 1 - 200e-6;
        m.moment = Moment::kEarlyOrLate;
      }));
  add("bursts", with([](auto& m) { m.moment = Moment::kEarlyOrLate; }),
      Load::kBursts);
  add("bursts_aligned",
      with([](auto& m) { m.counting_window = Window::kAligned; }),
      Load::kBursts);
  add("singles", with([](auto& m) { m.network = 10 * kMs; }), Load::kSingles);
  add("singles_bucket", with([](auto& m) {
        m.counting_window = Window::kBucket;
        m.moment = Moment::kEarlyOrLate;
      }),
      Load::kSingles);

  const auto fixed = [&](const std::function<void(AccountModel&)>& change) {
    AccountModel account = usual;
    account.fixed_moment = true;
    change(account);
    return account;
  };
  add("fixed_arrival", fixed([](auto& m) { m.moment = Moment::kArrival; }));
  add("fixed_offset", fixed([](auto& m) { m.moment = Moment::kOffset; }));
  add("fixed_half", fixed([](auto& m) { m.moment = Moment::kHalf; }));
  add("fixed_answer", fixed([](auto& m) { m.moment = Moment::kAnswer; }));
  add("fixed_arrival_lognormal", fixed([](auto& m) {
        m.moment = Moment::kArrival;
        m.handling = Handling::kLognormal;
        m.a = 150 * kMs;
        m.b = 0.6 * absl::Seconds(1);
        m.network = 10 * kMs;
        m.jitter = kMs;
      }));
  add("fixed_offset_aligned", fixed([](auto& m) {
        m.moment = Moment::kOffset;
        m.counting_window = Window::kAligned;
        m.network = 30 * kMs;
        m.jitter = kMs;
        m.clock_rate = 1 + 200e-6;
      }));
  add("fixed_arrival_bursts",
      fixed([](auto& m) { m.moment = Moment::kArrival; }), Load::kBursts);
  return models;
}

AllowanceFigures RunAllowance(const SimulatedModel& model, Sender sender,
                              uint64_t seed, int64_t calls) {
  if (sender != Sender::kGateway) {
    return RunControl(model.account, sender, seed, calls);
  }
  AllowanceWorld world({.model = model.account, .seed = seed});
  SteadyState steady(model.account.calls);
  world.on_call = [&](const std::vector<int>&) {
    steady.Departed(world.now());
  };
  Feeder feeder(world, model, seed);
  feeder.Start();
  world.RunUntil([&] {
    feeder.KeepBacklog();
    return world.calls() >= calls;
  });
  AllowanceFigures figures;
  Conclude(model.account, world.account(), steady, figures);
  if (model.load != Load::kBacklog) figures.used = figures.bound = 0;
  figures.leads_per_call = static_cast<double>(world.leads_sent()) /
                           static_cast<double>(world.calls());
  return figures;
}

WaitFigures RunWaits(const WaitOptions& options) {
  AccountModel account;
  account.calls = options.calls;
  account.window = options.window;
  account.moment = AccountModel::Moment::kAnswer;
  AllowanceWorld world({.model = account,
                        .batching = options.batching,
                        .max_leads_per_call = options.max_leads_per_call,
                        .seed = options.seed});
  std::vector<absl::Time> asked;
  std::vector<double> waits;
  world.on_call = [&](const std::vector<int>& requests) {
    for (const int request : requests) {
      waits.push_back(absl::ToDoubleMilliseconds(
          world.now() - asked[static_cast<size_t>(request)]));
    }
  };
  std::mt19937_64 random(options.seed);
  std::exponential_distribution<double> gap(options.rate / options.at_once);
  const std::function<void()> request = [&] {
    if (world.elapsed() >= options.duration) return;
    for (int i = 0; i < options.at_once; ++i) {
      asked.push_back(world.now());
      world.Submit(1, absl::StrCat("caller", asked.size() % 7));
    }
    world.At(world.elapsed() + absl::Seconds(gap(random)), request);
  };
  world.At(absl::Seconds(gap(random)), request);
  world.RunUntil([&] {
    return world.elapsed() >= options.duration && world.leads_waiting() == 0;
  });
  world.account().CountUntil(absl::InfiniteFuture());
  WaitFigures figures;
  figures.p50 = Percentile(waits, 0.5);
  figures.p99 = Percentile(waits, 0.99);
  figures.most = Percentile(waits, 1);
  figures.calls = world.calls();
  figures.leads_per_call = static_cast<double>(world.leads_sent()) /
                           static_cast<double>(world.calls());
  figures.throttles = world.account().throttles();
  return figures;
}

ShareFigures RunShares(Callers callers, absl::Duration later, uint64_t seed) {
  constexpr int kLarge = 10'000;
  constexpr int kSmall = 25;
  constexpr int kSmallOnes = 9;
  AllowanceWorld world({.model = {.spikes = 0.01}, .seed = seed});
  const bool merged = callers == Callers::kFirstComeFirstServed;
  std::vector<int> sent(1 + kSmallOnes);
  std::vector<int64_t> done_after(1 + kSmallOnes);
  int64_t before = 0;  // leads that had left when the small ones came
  int64_t so_far = 0;
  std::vector<int> before_them;
  ShareFigures figures;
  world.on_call = [&](const std::vector<int>& requests) {
    for (const int request : requests) {
      // First come, first served is what the leads of one request get.
      const int64_t number = !merged           ? request
                             : so_far < kLarge ? 0
                                               : 1 + (so_far - kLarge) / kSmall;
      const auto at = static_cast<size_t>(number);
      ++so_far;
      if (++sent[at] == (at == 0 ? kLarge : kSmall)) done_after[at] = so_far;
    }
    const bool one_is_done = std::any_of(done_after.begin(), done_after.end(),
                                         [](int64_t at) { return at > 0; });
    if (one_is_done && figures.jain == 0) {
      double sum = 0;
      double squares = 0;
      for (size_t i = 0; i < sent.size(); ++i) {
        const double got = sent[i] - (before_them.empty() ? 0 : before_them[i]);
        sum += got;
        squares += got * got;
      }
      figures.jain = sum * sum / (static_cast<double>(sent.size()) * squares);
    }
  };
  const auto caller = [&](int number) {
    return callers == Callers::kEachItsOwn ? absl::StrCat("caller", number)
                                           : std::string("caller");
  };
  if (merged) {
    world.Submit(kLarge + kSmallOnes * kSmall);
  } else {
    world.Submit(kLarge, caller(0));
    world.RunFor(later);
    before = so_far;
    before_them = sent;
    for (int i = 1; i <= kSmallOnes; ++i) world.Submit(kSmall, caller(i));
  }
  world.RunUntil([&] { return world.dispatcher().idle(); });
  for (size_t i = 0; i < sent.size(); ++i) {
    // Ten shares while all wait; the large one has everything in the end.
    const int64_t ideal =
        i == 0 ? kLarge + kSmallOnes * kSmall : (1 + kSmallOnes) * kSmall;
    const int64_t took = done_after[i] - (i == 0 ? 0 : before);
    figures.stretch.push_back(static_cast<double>(took) /
                              static_cast<double>(ideal));
  }
  figures.most_stretch =
      *std::max_element(figures.stretch.begin(), figures.stretch.end());
  return figures;
}

}  // namespace leadgateway::simulation
