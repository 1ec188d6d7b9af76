#include "tests/simulation/world.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/admin/metrics.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "gateway/base/signal.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/job.h"
#include "gateway/http/curl_loop.h"
#include "gateway/http/http_client.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/model/errors.h"
#include "gateway/server/engine.h"
#include "gateway/server/state_file.h"
#include "gateway/server/update_intake.h"
#include "gateway/server/update_stream.h"
#include "google/rpc/error_details.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/credentials.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/leadsquared_model.h"
#include "tests/simulation/weather.h"
#include "tests/simulation/world_log.h"

namespace leadgateway::simulation {
namespace {

// LeadSquared's leads: more than the largest request has.
constexpr int kPeople = 400;
// The first account, and the one beside it that some worlds have.
constexpr const char* kNames[] = {"acme", "beta"};
constexpr const char* kHosts[] = {"https://api-in21.leadsquared.com",
                                  "https://api-us11.leadsquared.com"};
// How long after a change of the key files the watcher may have seen it: a
// round, and the time in which files must not change any more.
constexpr absl::Duration kLeastWatch = absl::Milliseconds(50);
constexpr absl::Duration kMostWatch = absl::Milliseconds(2'100);
// A world that has not come to its end by then never will: requests without a
// deadline of their own end after 30 minutes.
constexpr absl::Duration kLongestWorld = absl::Hours(3);
// Turns of the loop without time passing.
constexpr int kMostTurns = 20'000;
// How late a sleeping loop wakes up: libcurl waits by the millisecond.
constexpr absl::Duration kMostOversleep = absl::Milliseconds(1);

class WorldClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  absl::Time WallNow() const override {
    return now_ + absl::Hours(24 * 18'000);
  }
  void MoveTo(absl::Time now) { now_ = std::max(now_, now); }

 private:
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(24 * 1000);
};

// The accounts' key files and the directory of the gateway's state, for all
// worlds of this process.
class Files {
 public:
  static Files& Get() {
    static Files files;
    return files;
  }

  std::string AccessKey(int account) const {
    return absl::StrCat(directory_, "/", account, ".access_key");
  }
  std::string SecretKey(int account) const {
    return absl::StrCat(directory_, "/", account, ".secret_key");
  }
  // Writes the account's n-th keys, if they are not there already.
  void WriteKeys(int account, int n) {
    const auto [it, first] = written_.emplace(account, n);
    if (!first && it->second == n) return;
    it->second = n;
    const sandbox::KeyPair keys = LeadSquaredModel::KeysOf(account, n);
    std::ofstream(AccessKey(account)) << keys.access_key << "\n";
    std::ofstream(SecretKey(account)) << keys.secret_key << "\n";
  }
  // An empty directory.
  std::string FreshStateDirectory() const {
    std::string path = absl::StrCat(directory_, "/state");
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    return path;
  }

 private:
  Files() {
    const char* const base = getenv("TEST_TMPDIR");
    directory_ = absl::StrCat(base != nullptr ? base : "/tmp",
                              "/simulated_world_XXXXXX");
    if (mkdtemp(directory_.data()) == nullptr) abort();
  }
  ~Files() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string directory_;
  std::map<int, int> written_;
};

// SaveState without waiting for a disk: a simulated crash loses no file.
absl::Status SaveQuickly(const std::string& path,
                         const server::SavedState& state) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << server::FormatState(state);
  file.close();
  return file ? absl::OkStatus() : absl::InternalError("can't be written");
}

class World;

// The gateway's loop, with the network behind it. One for each life of the
// gateway.
class WorldLoop final : public http::CurlLoop {
 public:
  WorldLoop(World* world, int generation)
      : world_(world), generation_(generation) {}
  ~WorldLoop() override;

  void Send(http::HttpRequest request,
            absl::AnyInvocable<void(http::HttpReply) &&> done) override;
  void Post(absl::AnyInvocable<void() &&> function) override {
    if (!stopped_) posted_.push_back(std::move(function));
  }
  void Run(absl::FunctionRef<absl::Time(absl::Time now)> tick) override;
  void Stop() override { stopped_ = true; }

 private:
  World* const world_;
  const int generation_;
  bool stopped_ = false;
  std::vector<absl::AnyInvocable<void() &&>> posted_;
};

// A caller of BulkUpdateLeads, and the part of the gateway that is gRPC's: what
// UpdateReactor does.
struct Client {
  size_t rpc = 0;  // its RpcFact
  std::shared_ptr<v1::BulkUpdateLeadsRequest> request =
      std::make_shared<v1::BulkUpdateLeadsRequest>();
  server::UpdateIntake::Update update;
  absl::Duration reads_every;
  bool over = false;    // for the caller
  bool closed = false;  // for the gateway
  bool writing = false;
};

class World {
 public:
  explicit World(const WorldOptions& options);

  WorldLog Live();

 private:
  friend class WorldLoop;
  using Event = absl::AnyInvocable<void()>;

  void At(absl::Time when, Event event) {
    events_.emplace(std::max(when, clock_.Now()), std::move(event));
  }
  void After(absl::Duration delay, Event event) {
    At(clock_.Now() + delay, std::move(event));
  }
  // Moves to the next event that is not after `until`, and carries out all that
  // are due then. False if there is none.
  bool Step(absl::Time until);
  bool Over() const;
  // Whose lead has that token.
  std::optional<std::pair<int, int>> Find(const std::string& token) const;

  // Clients.
  void Plan(int leads);
  void PlanRpc(absl::Time at, int leads);
  void PlanRotations(int account, absl::Duration horizon);
  void TakeNewKeys(int account);
  void Start(size_t client);
  void Pump(size_t client);
  void TakeMessage(Client& client, const v1::BulkUpdateLeadsResponse& message);
  void End(Client& client, RpcFact::End end);
  void Cancel(size_t client);

  // The gateway's lives.
  void LiveOneLife(int generation);
  void EndLife();
  void StartDraining();

  // The network.
  void Send(int generation, http::HttpRequest request,
            absl::AnyInvocable<void(http::HttpReply) &&> done);
  void Deliver(int call, http::HttpReply reply, bool whole);

  const WorldOptions options_;
  WorldLog log_;
  Dice plan_;
  Dice network_;
  Dice gateway_;
  WorldClock clock_;
  const absl::Time start_;
  // Of each account: its part of LeadSquared, and of the network.
  struct Part {
    Weather weather;
    std::set<int> people;
    std::unique_ptr<LeadSquaredModel> leadsquared;
  };
  std::vector<Part> parts_;
  GatewayOptions configured_;
  std::multimap<absl::Time, Event> events_;
  std::vector<std::unique_ptr<Client>> clients_;
  int clients_open_ = 0;
  bool first_update_cut_ = false;

  // Of the present life; null between lives.
  int generation_ = -1;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<server::Engine> engine_;
  std::unique_ptr<server::UpdateIntake> intake_;
  bool draining_ = false;
  std::shared_ptr<Signal> idle_;
  WorldLoop* loop_ = nullptr;
  std::map<int, absl::AnyInvocable<void(http::HttpReply) &&>> under_way_;
};

// ---------------------------------------------------------------------- loop

WorldLoop::~WorldLoop() { world_->loop_ = nullptr; }

void WorldLoop::Send(http::HttpRequest request,
                     absl::AnyInvocable<void(http::HttpReply) &&> done) {
  world_->Send(generation_, std::move(request), std::move(done));
}

void WorldLoop::Run(absl::FunctionRef<absl::Time(absl::Time now)> tick) {
  int turns = 0;
  absl::Time before = world_->clock_.Now();
  while (!stopped_) {
    auto posted = std::move(posted_);
    posted_.clear();
    for (auto& function : posted) {
      std::move(function)();
      if (stopped_) return;
    }
    const absl::Time next = tick(world_->clock_.Now());
    if (stopped_) return;
    if (!posted_.empty()) continue;
    if (world_->Over()) {
      world_->EndLife();
      continue;
    }
    const absl::Time wake =
        next == absl::InfiniteFuture()
            ? next
            : next + world_->gateway_.Between(absl::ZeroDuration(),
                                              kMostOversleep);
    if (!world_->Step(wake)) {
      if (wake == absl::InfiniteFuture()) {
        world_->log_.accidents.push_back(
            "the gateway waits for nothing, and RPCs are open");
        return;
      }
      world_->clock_.MoveTo(wake);
    }
    const absl::Time now = world_->clock_.Now();
    if (now > before) {
      before = now;
      turns = 0;
    } else if (++turns > kMostTurns) {
      world_->log_.accidents.push_back("the gateway spins");
      return;
    }
    if (now - world_->start_ > kLongestWorld) {
      world_->log_.accidents.push_back("the world does not come to an end");
      return;
    }
  }
}

bool World::Step(absl::Time until) {
  if (events_.empty() || events_.begin()->first > until) return false;
  clock_.MoveTo(events_.begin()->first);
  while (!events_.empty() && events_.begin()->first <= clock_.Now()) {
    Event event = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    event();
  }
  return true;
}

bool World::Over() const {
  return events_.empty() && under_way_.empty() && clients_open_ == 0;
}

// ------------------------------------------------------------------- network

void World::Send(int generation, http::HttpRequest request,
                 absl::AnyInvocable<void(http::HttpReply) &&> done) {
  const int call = static_cast<int>(log_.calls.size());
  log_.calls.emplace_back();
  CallFact& fact = log_.calls.back();
  fact.generation = generation;
  fact.handed = clock_.Now();
  const std::string url = request.url.Reveal();
  Part& part = parts_[parts_.size() > 1 && absl::StartsWith(url, kHosts[1])];
  LeadSquaredModel* const leadsquared = part.leadsquared.get();
  std::vector<std::string> headers;
  for (const Secret& header : request.headers) {
    headers.push_back(header.Reveal());
  }
  auto read = std::make_shared<LeadSquaredModel::Request>(
      leadsquared->Read(url, headers, request.body, &fact));
  Fate fate = part.weather.DrawFate(network_, clock_.Now(), start_);
  if (options_.cut_first_answer_at) {
    fate = Fate();
    fate.there = part.weather.way;
    fate.handling = part.weather.handling_least;
    fate.back = part.weather.way;
    if (read->update && !first_update_cut_) {
      first_update_cut_ = true;
      fate.cut_at = options_.cut_first_answer_at;
      fate.cut_unnoticed = options_.cut_unnoticed;
    }
  }
  under_way_.emplace(call, std::move(done));
  const absl::Time given_up = clock_.Now() + request.timeout;
  const auto give_up = [this, call, given_up](absl::Time left,
                                              const char* what) {
    log_.calls[static_cast<size_t>(call)].what.append(what);
    At(given_up, [this, call, left] {
      http::HttpReply reply;
      reply.status = absl::DeadlineExceededError("no answer in time");
      reply.sent_at = left;
      Deliver(call, std::move(reply), false);
    });
  };
  if (fate.connection == Fate::Connection::kRefused ||
      fate.connection == Fate::Connection::kNeverMade) {
    const bool refused = fate.connection == Fate::Connection::kRefused;
    fact.what = refused ? "connection refused" : "no connection";
    After(refused ? fate.connecting : request.connect_timeout, [this, call,
                                                                refused] {
      http::HttpReply reply;
      reply.status = refused ? absl::UnavailableError("refused")
                             : absl::DeadlineExceededError("no connection");
      Deliver(call, std::move(reply), false);
    });
    return;
  }
  const absl::Duration connecting = fate.connection == Fate::Connection::kNew
                                        ? fate.connecting
                                        : absl::ZeroDuration();
  After(connecting, [this, call, leadsquared, read, fate, given_up, give_up,
                     most = request.max_answer_bytes,
                     headers = std::move(headers),
                     request = std::move(request)]() mutable {
    if (!under_way_.contains(call)) return;  // of a gateway that is no more
    const absl::Time left = clock_.Now();
    if (request.leave) {
      const std::string before = request.body;
      if (!request.leave(absl::MakeSpan(request.body))) {
        log_.calls[static_cast<size_t>(call)].leads.clear();
        log_.calls[static_cast<size_t>(call)].what = "called off";
        http::HttpReply reply;
        reply.status = absl::CancelledError("called off");
        return Deliver(call, std::move(reply), false);
      }
      if (request.body != before) {
        CallFact& changed = log_.calls[static_cast<size_t>(call)];
        changed.leads.clear();
        *read = leadsquared->Read(request.url.Reveal(), headers, request.body,
                                  &changed);
      }
    }
    log_.calls[static_cast<size_t>(call)].left = left;
    const auto reset = [this, call, left](const char* what) {
      log_.calls[static_cast<size_t>(call)].what.append(what);
      http::HttpReply reply;
      reply.status = absl::UnavailableError("connection reset");
      reply.sent_at = left;
      Deliver(call, std::move(reply), false);
    };
    if (fate.loss == Fate::Loss::kBefore) {
      if (fate.silent) return give_up(left, "lost on its way");
      After(fate.there + fate.back, [reset] { reset("reset before reading"); });
      return;
    }
    auto answer = std::make_shared<LeadSquaredModel::Answer>();
    const absl::Duration handled = fate.handling * fate.moment;
    After(fate.there + handled,
          [this, call, leadsquared, read, fate, answer, handled] {
            *answer = leadsquared->Handle(*read, fate, clock_.Now(), call);
            if (!fate.copied) return;
            CallFact twin = log_.calls[static_cast<size_t>(call)];
            if (!twin.read || twin.refused) return;
            // The same once more, before the first one is answered.
            const int copy = static_cast<int>(log_.calls.size());
            twin.copy = true;
            log_.calls.push_back(std::move(twin));
            After((fate.handling - handled) * network_.Unit(),
                  [this, leadsquared, read, fate, copy] {
                    leadsquared->Handle(*read, fate, clock_.Now(), copy);
                  });
          });
    if (fate.proxy_gives_up) {
      const absl::Time page =
          left + fate.there + fate.handling * *fate.proxy_gives_up + fate.back;
      if (page >= given_up) return give_up(left, "");
      At(page, [this, call, left] {
        log_.calls[static_cast<size_t>(call)].what.append(
            ", a proxy gave it up");
        http::HttpReply reply;
        reply.sent_at = left;
        reply.http_status = 504;
        reply.body = "<html><body>Gateway Timeout</body></html>";
        Deliver(call, std::move(reply), false);
      });
      return;
    }
    const absl::Time arrives = left + fate.there + fate.handling + fate.back;
    if (fate.loss == Fate::Loss::kAfter && fate.silent) {
      return give_up(left, "");
    }
    if (arrives >= given_up) return give_up(left, "");
    // The gateway may have given up by then, LeadSquared goes on all the same.
    At(arrives, [this, call, fate, left, answer, reset, most] {
      if (fate.loss == Fate::Loss::kAfter) return reset(", reset after that");
      http::HttpReply reply;
      reply.sent_at = left;
      reply.http_status = answer->status;
      reply.retry_after = answer->retry_after;
      reply.body = answer->body;
      bool whole = fate.answer == Fate::Answer::kFaithful ||
                   fate.answer == Fate::Answer::kRefused;
      std::optional<size_t> cut = fate.cut_at;
      if (fate.cut) {
        cut = static_cast<size_t>(*fate.cut *
                                  static_cast<double>(reply.body.size()));
      }
      if (cut && *cut < reply.body.size()) {
        whole = false;
        reply.body.resize(*cut);
        log_.calls[static_cast<size_t>(call)].what.append(", cut short");
        if (!fate.cut_unnoticed) {
          reply.status = absl::UnavailableError("the answer broke off");
        }
      }
      if (fate.answer == Fate::Answer::kOversized) {
        reply.status = absl::ResourceExhaustedError("the answer is too long");
        reply.body.assign(std::min<size_t>(most, 100), ' ');
      }
      if (fate.connection == Fate::Connection::kNew) {
        reply.handshake = fate.connecting;
      }
      Deliver(call, std::move(reply), whole);
    });
  });
}

void World::Deliver(int call, http::HttpReply reply, bool whole) {
  const auto it = under_way_.find(call);
  if (it == under_way_.end()) return;  // of a gateway that is no more
  auto done = std::move(it->second);
  under_way_.erase(it);
  reply.done_at = clock_.Now();
  CallFact& fact = log_.calls[static_cast<size_t>(call)];
  fact.ended = clock_.Now();
  fact.whole = whole;
  std::move(done)(std::move(reply));
}

// ------------------------------------------------------------------- clients

void World::Plan(int leads) {
  // Requests come at about the rate at which the limit lets their leads leave,
  // or a few times that.
  const double load = 0.2 + 1.8 * plan_.Unit();
  const double leads_a_second =
      load * 25 * log_.accounts[0].limit_calls /
      absl::ToDoubleSeconds(log_.accounts[0].limit_window);
  const bool small = plan_.Chance(0.4);
  absl::Time at =
      start_ + plan_.Between(absl::ZeroDuration(), absl::Seconds(2));
  while (leads > 0) {
    const int most = small ? 10 : plan_.Chance(0.3) ? 300 : 40;
    const int count = std::min(leads, plan_.Between(1, most));
    PlanRpc(at, count);
    leads -= count;
    at += absl::Seconds(2 * plan_.Unit() * count / leads_a_second);
  }
  const absl::Duration horizon = at - start_ + absl::Seconds(5);
  for (size_t a = 0; a < parts_.size(); ++a) {
    parts_[a].weather = Weather::Draw(plan_, horizon);
    PlanRotations(static_cast<int>(a), horizon);
  }
  for (int i = plan_.Chance(0.25) ? plan_.Between(1, 2) : 0; i > 0; --i) {
    const absl::Time when =
        start_ + plan_.Between(absl::ZeroDuration(), horizon);
    if (plan_.Chance(0.5)) {
      At(when, [this] { EndLife(); });
      // So that calls are under way then, and when the next one has begun.
      if (plan_.Chance(0.5)) {
        for (Part& part : parts_) {
          part.weather.handling_most +=
              plan_.Between(absl::ZeroDuration(), absl::Seconds(2));
        }
      }
    } else {
      At(when, [this] { StartDraining(); });
    }
  }
}

void World::PlanRotations(int account, absl::Duration horizon) {
  if (options_.cut_first_answer_at || !plan_.Chance(0.2)) return;
  const int rotations = plan_.Between(1, 2);
  absl::Time at = start_;
  for (int n = 1; n <= rotations; ++n) {
    at += plan_.Between(absl::ZeroDuration(), horizon / rotations);
    log_.accounts[static_cast<size_t>(account)].rotations.push_back(at);
    // The new ones are in the files some time before or after LeadSquared
    // accepts no others; it may accept both for a while.
    const absl::Time files =
        at + plan_.Between(-absl::Seconds(3), absl::Seconds(3));
    if (plan_.Chance(0.5)) {
      At(std::min(at, files) - absl::Seconds(1), [this, account, n] {
        parts_[static_cast<size_t>(account)].leadsquared->AcceptKeys(
            {LeadSquaredModel::KeysOf(account, n - 1),
             LeadSquaredModel::KeysOf(account, n)});
      });
    }
    At(at, [this, account, n] {
      parts_[static_cast<size_t>(account)].leadsquared->AcceptKeys(
          {LeadSquaredModel::KeysOf(account, n)});
    });
    const absl::Time seen = files + plan_.Between(kLeastWatch, kMostWatch);
    At(files, [account, n] { Files::Get().WriteKeys(account, n); });
    At(seen, [this, account] { TakeNewKeys(account); });
  }
}

// What the watcher of key files does.
void World::TakeNewKeys(int account) {
  if (engine_ == nullptr) return;  // the next one reads them as it begins
  absl::StatusOr<leadsquared::Credentials> keys = leadsquared::LoadCredentials(
      Files::Get().AccessKey(account), Files::Get().SecretKey(account));
  if (!keys.ok()) {
    log_.accidents.push_back(std::string(keys.status().message()));
    return;
  }
  engine_->TakeKeys(kNames[account], *std::move(keys));
}

void World::PlanRpc(absl::Time at, int leads) {
  auto owned = std::make_unique<Client>();
  Client& client = *owned;
  const size_t number = clients_.size();
  client.rpc = number;
  log_.rpcs.emplace_back();
  RpcFact& fact = log_.rpcs.back();
  if (parts_.size() > 1 && plan_.Chance(0.4)) fact.account = 1;
  std::set<int>& people = parts_[static_cast<size_t>(fact.account)].people;
  static constexpr const char* kKeys[] = {"EmailAddress", "EmailAddress",
                                          "Phone", "", "mx_Customer_ID"};
  fact.search_key = kKeys[plan_.Roll(5)];
  fact.key_is_phone = fact.search_key == "Phone";
  client.request->set_search_by_key(fact.search_key);
  client.request->mutable_options()
      ->set_push_non_existent_leads_to_unprocessed_list(plan_.Chance(0.5));
  // Many requests for few people: long lanes.
  const bool popular = plan_.Chance(0.5);
  const bool faulty = plan_.Chance(0.3);
  const bool poisoned = plan_.Chance(0.1);
  std::set<int> taken;
  for (int i = 0; i < leads; ++i) {
    LeadFact lead;
    v1::Lead* const message = client.request->add_leads();
    do {
      const double share = plan_.Unit();
      lead.person =
          static_cast<int>(kPeople * (popular ? share * share * share : share));
    } while (!taken.insert(lead.person).second);
    people.insert(lead.person);
    if (faulty && plan_.Chance(0.1)) lead.person += 50'000;  // nobody
    const int form = plan_.Roll(4);
    if (fact.search_key == "EmailAddress") {
      lead.key = LeadSquaredModel::EmailOf(lead.person);
      if (form == 1) absl::AsciiStrToUpper(&lead.key);
      if (form == 2) lead.key = absl::StrCat(" ", lead.key, " ");
    } else if (fact.search_key == "Phone") {
      lead.key = LeadSquaredModel::PhoneOf(lead.person);
      if (form == 1) lead.key = lead.key.substr(1);
      if (form == 2) lead.key = absl::StrCat("(", lead.key, ")");
    } else if (fact.search_key.empty()) {
      lead.key = LeadSquaredModel::ProspectIdOf(lead.person);
      if (form == 1) absl::AsciiStrToUpper(&lead.key);
    } else {
      lead.key = LeadSquaredModel::CustomerIdOf(lead.person);
      if (form == 2) absl::StrAppend(&lead.key, " ");
    }
    if (lead.person >= kPeople) lead.person = -1;
    lead.token = absl::StrCat("w", number, ".", i);
    message->set_tag(lead.token);
    const auto add = [message](absl::string_view attribute,
                               absl::string_view value) {
      v1::LeadField* const field = message->add_fields();
      field->set_attribute(std::string(attribute));
      field->set_string_value(std::string(value));
    };
    const std::string key_name = fact.search_key.empty()
                                     ? (form == 3 ? "ProspectID" : "ProspectId")
                                     : fact.search_key;
    const bool key_last = plan_.Chance(0.3);
    if (!key_last) add(key_name, lead.key);
    add("FirstName", lead.token);
    if (plan_.Chance(0.3)) add("LastName", "Lovelace \"Ada\" \xc3\xa9\n");
    if (faulty && plan_.Chance(0.05)) {
      lead.invalid = true;
      add("FirstName", "again");
    } else if (faulty && plan_.Chance(0.05)) {
      add(LeadSquaredModel::kGoneField, "x");
      lead.gone_field = true;
    } else if (poisoned && plan_.Chance(0.05)) {
      add("mx_City", LeadSquaredModel::kPoison);
      lead.poison = true;
    }
    if (key_last) add(key_name, lead.key);
    fact.leads.push_back(std::move(lead));
  }
  client.update.account = kNames[fact.account];
  client.update.max_leads = configured_.limits.max_leads_per_request;
  client.update.caller = absl::StrCat("caller", plan_.Roll(4));
  client.update.priority = plan_.Chance(0.3) ? dispatch::Priority::kBulk
                                             : dispatch::Priority::kInteractive;
  if (plan_.Chance(0.2)) {
    client.reads_every = plan_.Between(absl::ZeroDuration(), absl::Seconds(3));
  }
  std::optional<absl::Duration> deadline;
  if (plan_.Chance(0.3)) {
    deadline =
        plan_.Between(absl::Milliseconds(20),
                      plan_.Chance(0.5) ? absl::Seconds(2) : absl::Seconds(60));
  }
  std::optional<absl::Duration> cancel;
  if (plan_.Chance(0.15)) {
    cancel = plan_.Between(absl::ZeroDuration(), plan_.Chance(0.5)
                                                     ? absl::Milliseconds(500)
                                                     : absl::Seconds(20));
  }
  clients_.push_back(std::move(owned));
  ++clients_open_;
  At(at, [this, number, deadline, cancel] {
    Client& starting = *clients_[number];
    const absl::Time now = clock_.Now();
    starting.update.finish_by = deadline
                                    ? server::FinishBy(now, *deadline)
                                    : now + configured_.limits.default_timeout;
    Start(number);
    if (deadline) After(*deadline, [this, number] { Cancel(number); });
    if (cancel) After(*cancel, [this, number] { Cancel(number); });
  });
}

void World::Start(size_t number) {
  Client& client = *clients_[number];
  RpcFact& fact = log_.rpcs[client.rpc];
  fact.started = clock_.Now();
  fact.generation = generation_;
  if (engine_ == nullptr) {
    fact.code = "UNAVAILABLE";
    fact.reason = "no gateway";
    client.closed = true;
    fact.closed = true;
    return End(client, RpcFact::End::kError);
  }
  client.update.stream = std::make_shared<server::UpdateStream>(
      kNames[fact.account], client.request->leads_size(), clock_,
      [this, number] { Pump(number); });
  if (draining_) {
    client.update.stream->Refused(errors::Draining());
  } else {
    intake_->Start(client.update, client.request);
  }
  Pump(number);
}

void World::Pump(size_t number) {
  Client& client = *clients_[number];
  if (client.closed || client.writing) return;
  v1::BulkUpdateLeadsResponse message;
  absl::Status status;
  switch (client.update.stream->Pull(&message, &status)) {
    case server::UpdateStream::Pulled::kOpen:  // `message` is empty
    case server::UpdateStream::Pulled::kMessage:
      if (!client.over) TakeMessage(client, message);
      client.writing = true;
      After(client.reads_every, [this, number] {
        clients_[number]->writing = false;
        Pump(number);
      });
      return;
    case server::UpdateStream::Pulled::kNothingYet:
      return;
    case server::UpdateStream::Pulled::kEnd:
      break;
  }
  RpcFact& fact = log_.rpcs[client.rpc];
  client.closed = true;
  fact.closed = true;
  for (const int count : client.update.stream->totals()) {
    fact.counted_by_gateway += count;
  }
  fact.accepted = status.ok();
  if (!status.ok()) {
    fact.code = absl::StatusCodeToString(status.code());
    fact.reason = errors::ReasonNameOf(status);
  }
  End(client, status.ok() ? RpcFact::End::kOk : RpcFact::End::kError);
}

void World::TakeMessage(Client& client,
                        const v1::BulkUpdateLeadsResponse& message) {
  RpcFact& fact = log_.rpcs[client.rpc];
  if (fact.summary) ++fact.messages_after_summary;
  for (const v1::LeadResult& result : message.results()) {
    ResultFact told;
    told.index = result.has_index() ? result.index() : -1;
    told.outcome = v1::Outcome_Name(result.outcome()).substr(8);  // OUTCOME_
    for (const auto& detail : result.status().details()) {
      google::rpc::ErrorInfo info;
      if (detail.UnpackTo(&info)) told.reason = info.reason();
    }
    told.tag = result.tag();
    told.identifier = result.identifier();
    told.value = result.identifier_value();
    told.attempts = result.attempts();
    told.at = clock_.Now();
    fact.results.push_back(std::move(told));
  }
  if (message.has_summary()) {
    const v1::Summary& summary = message.summary();
    SummaryFact told;
    const auto count = [&told](const char* outcome, int number) {
      if (number != 0) told.counts[outcome] = number;
    };
    count("UPDATED", summary.updated());
    count("FAILED", summary.failed());
    count("UNPROCESSED", summary.unprocessed());
    count("INVALID", summary.invalid());
    count("NOT_SENT", summary.not_sent());
    count("UNKNOWN", summary.unknown());
    count("VALID", summary.valid());
    told.total = summary.total();
    told.upstream_calls = summary.upstream_calls();
    fact.summary = told;
  }
}

void World::End(Client& client, RpcFact::End end) {
  if (client.over) {
    if (client.closed) --clients_open_;
    return;
  }
  client.over = true;
  RpcFact& fact = log_.rpcs[client.rpc];
  fact.end = end;
  fact.ended = clock_.Now();
  if (client.closed) --clients_open_;
}

void World::Cancel(size_t number) {
  Client& client = *clients_[number];
  if (client.over) return;
  End(client, RpcFact::End::kCancelled);
  client.update.stream->Abandon();
  intake_->Cancel(client.update);
}

// --------------------------------------------------------------------- lives

void World::EndLife() {
  if (engine_ == nullptr) return;
  // With what it says of itself in the end.
  for (size_t a = 0; a < parts_.size(); ++a) {
    engine_->GetState(kNames[a], [this, a](const server::Engine::State& state) {
      log_.calls_by_gateway[{static_cast<int>(a), generation_}] =
          state.dispatch.calls_total;
      if (a + 1 == parts_.size()) loop_->Stop();
    });
  }
}

void World::StartDraining() {
  if (engine_ == nullptr || draining_) return;
  draining_ = true;
  idle_ = std::make_shared<Signal>();
  engine_->StartDraining(idle_);
  // What Engine::Drain and who calls it do, without waiting.
  After(configured_.drain_timeout, [this, life = generation_] {
    if (generation_ != life || engine_ == nullptr) return;
    if (!idle_->WaitFor(absl::ZeroDuration())) engine_->GiveUp();
  });
  After(configured_.drain_timeout + configured_.accounts[0].call_timeout,
        [this, life = generation_] {
          if (generation_ != life || engine_ == nullptr) return;
          engine_->LeaveState(std::make_shared<Signal>());
          EndLife();
        });
}

void World::LiveOneLife(int generation) {
  generation_ = generation;
  draining_ = false;
  log_.lives.push_back(clock_.Now());
  std::vector<std::string> names;
  for (const AccountOptions& account : configured_.accounts) {
    names.push_back(account.name);
  }
  metrics_ = std::make_unique<Metrics>(names);
  auto loop = std::make_unique<WorldLoop>(this, generation);
  loop_ = loop.get();
  auto engine =
      server::Engine::CreateOn(configured_, clock_, metrics_.get(),
                               std::move(loop), gateway_.bits(), SaveQuickly);
  if (!engine.ok()) {
    log_.accidents.push_back(std::string(engine.status().message()));
    return;
  }
  engine_ = *std::move(engine);
  intake_ = std::make_unique<server::UpdateIntake>(engine_.get());
  engine_->Run();

  for (const auto& client : clients_) {
    RpcFact& fact = log_.rpcs[client->rpc];
    if (fact.started == absl::Time() || fact.generation != generation ||
        client->closed) {
      continue;
    }
    if (log_.accidents.empty()) {
      client->closed = true;
      fact.closed = true;
      End(*client, RpcFact::End::kCrashed);
    }
  }
  intake_ = nullptr;
  engine_ = nullptr;
  loop_ = nullptr;
  under_way_.clear();
}

WorldLog World::Live() {
  for (int life = 0; log_.accidents.empty(); ++life) {
    LiveOneLife(life);
    if (Over() || !log_.accidents.empty()) break;
    // Down for a moment: requests come and find nobody.
    const absl::Time back =
        clock_.Now() +
        gateway_.Between(absl::ZeroDuration(), gateway_.Chance(0.5)
                                                   ? absl::Milliseconds(200)
                                                   : absl::Seconds(3));
    while (Step(back)) {
    }
    clock_.MoveTo(back);
    if (Over()) break;
  }
  log_.lasted = clock_.Now() - start_;
  uint64_t digest = 1469598103934665603U;
  const auto mix = [&digest](int64_t value) {
    digest = (digest ^ static_cast<uint64_t>(value)) * 1099511628211U;
  };
  for (const CallFact& call : log_.calls) {
    mix(absl::ToUnixNanos(*call.handed));
    mix(call.ended ? absl::ToUnixNanos(*call.ended) : -1);
    for (const CarriedFact& lead : call.leads) {
      mix(lead.rpc);
      mix(lead.index);
    }
  }
  for (const RpcFact& rpc : log_.rpcs) {
    for (const ResultFact& result : rpc.results) {
      mix(result.index);
      mix(absl::ToUnixNanos(result.at));
      for (const char c : result.outcome) mix(c);
    }
  }
  for (const WriteFact& write : log_.writes) mix(absl::ToUnixNanos(write.at));
  log_.digest = digest;
  return std::move(log_);
}

World::World(const WorldOptions& options)
    : options_(options),
      plan_(options.seed * 3),
      network_(options.seed * 3 + 1),
      gateway_(options.seed * 3 + 2),
      start_(clock_.Now()) {
  // Logging costs more than all the rest.
  SetLogLevel(LogLevel::kError);
  log_.seed = options.seed;
  const size_t accounts =
      !options.cut_first_answer_at && plan_.Chance(0.3) ? 2 : 1;
  parts_.resize(accounts);
  configured_.default_account = kNames[0];
  configured_.drain_timeout = absl::Seconds(plan_.Between(0, 10));
  // Only with a state are the calls of several lives those of one account.
  log_.keeps_state = plan_.Chance(0.4);
  if (log_.keeps_state) {
    configured_.state_dir = Files::Get().FreshStateDirectory();
  }
  for (size_t a = 0; a < accounts; ++a) {
    WorldLog::Account& limits = log_.accounts.emplace_back();
    limits.name = kNames[a];
    limits.limit_calls = plan_.Between(1, 30);
    limits.limit_window =
        plan_.Between(absl::Milliseconds(500), absl::Seconds(6));
    // The limit's sentence names whole seconds.
    if (plan_.Chance(0.5)) {
      limits.limit_window = absl::Seconds(plan_.Between(1, 6));
    }
    if (!options.cut_first_answer_at && plan_.Chance(0.1)) {
      limits.daily_calls = plan_.Between(5, 60);
    }
    const int number = static_cast<int>(a);
    Files::Get().WriteKeys(number, 0);
    AccountOptions& account = configured_.accounts.emplace_back();
    account.name = kNames[a];
    account.base_url = kHosts[a];
    account.access_key_file = Files::Get().AccessKey(number);
    account.secret_key_file = Files::Get().SecretKey(number);
    account.calls = limits.limit_calls;
    account.window = limits.limit_window;
    account.daily_calls = limits.daily_calls;
    account.spread_daily_calls = plan_.Chance(0.3);
    account.credentials_in_query = plan_.Chance(0.3);
    account.unique_fields = {"mx_Customer_ID"};
    account.retry_ambiguous = plan_.Chance(0.8);
    account.call_timeout = plan_.Chance(0.5)
                               ? absl::Seconds(plan_.Between(1, 5))
                               : absl::Seconds(30);
    account.schema_checks = plan_.Chance(0.5);
  }

  Plan(options.leads);
  for (size_t a = 0; a < accounts; ++a) {
    const WorldLog::Account& limits = log_.accounts[a];
    absl::StrAppend(
        &log_.setting, a == 0 ? "" : "; beside it: ", limits.limit_calls,
        " calls in ", absl::FormatDuration(limits.limit_window), ", ",
        limits.daily_calls > 0
            ? absl::StrCat(limits.daily_calls, " calls a day, ")
            : "",
        limits.rotations.empty() ? "" : "new keys, ",
        parts_[a].weather.ToString());
    LeadSquaredModel::Options model;
    model.account = static_cast<int>(a);
    model.people.assign(parts_[a].people.begin(), parts_[a].people.end());
    model.keys = LeadSquaredModel::KeysOf(model.account, 0);
    model.limit_calls = limits.limit_calls;
    model.limit_window = limits.limit_window;
    model.manners = parts_[a].weather.manners;
    parts_[a].leadsquared = std::make_unique<LeadSquaredModel>(
        model, &network_, &log_,
        [this](const std::string& token) { return Find(token); });
  }
  if (log_.keeps_state) absl::StrAppend(&log_.setting, "; keeps its state");
}

// "w12.3"
std::optional<std::pair<int, int>> World::Find(const std::string& token) const {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(absl::string_view(token).substr(token.empty() ? 0 : 1),
                     absl::MaxSplits('.', 1));
  int rpc = 0;
  int index = 0;
  if (!absl::SimpleAtoi(parts.first, &rpc) ||
      !absl::SimpleAtoi(parts.second, &index) || rpc < 0 ||
      rpc >= static_cast<int>(log_.rpcs.size())) {
    return std::nullopt;
  }
  return std::pair(rpc, index);
}

}  // namespace

WorldLog RunWorld(const WorldOptions& options) { return World(options).Live(); }

}  // namespace leadgateway::simulation
