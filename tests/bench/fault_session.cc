#include "tests/bench/fault_session.h"

#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/signal.h"
#include "gateway/config/config.h"
#include "gateway/server/server.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/sync_stream.h"
#include "leadgateway/v1/lead_gateway.grpc.pb.h"
#include "leadgateway/v1/lead_gateway.pb.h"
#include "sandbox/account.h"
#include "sandbox/behaviour.h"
#include "sandbox/call_record.h"
#include "sandbox/credentials.h"
#include "sandbox/lead_store.h"
#include "sandbox/lead_updater.h"
#include "sandbox/sandbox.h"
#include "sandbox/scenario.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/world_log.h"

namespace leadgateway::bench {
namespace {

using simulation::CallFact;
using simulation::CarriedFact;
using simulation::Dice;
using simulation::LeadFact;
using simulation::ResultFact;
using simulation::RpcFact;
using simulation::SummaryFact;
using simulation::WorldLog;
using simulation::WriteFact;

// Few enough that requests meet.
constexpr int kPeople = 2'000;
constexpr int kCalls = 40;
constexpr absl::Duration kWindow = absl::Seconds(1);
// Longer than the sandbox ever takes to count a call, so that none is counted
// after the gateway has given it up.
constexpr absl::Duration kCallTimeout = absl::Seconds(3);
constexpr absl::Duration kDrainTimeout = absl::Seconds(3);
constexpr absl::Duration kLongestDrain = absl::Seconds(20);
// From a client's cancelling until the gateway has heard of it, on a machine
// that is busy.
constexpr absl::Duration kHearing = absl::Seconds(1);
constexpr char kPoison[] = "poison";

// A rule of the sandbox's faults.
std::string Rule(double probability, absl::string_view set) {
  return absl::StrFormat(R"({"when":{"probability":%.5f},"set":{%s}})",
                         std::min(1.0, probability), set);
}

std::string Faults(uint64_t seed, double trouble) {
  std::vector<std::string> rules;
  // How answers name leads.
  for (const char* const echo :
       {"trimmed", "lower", "upper", "digits", "padded"}) {
    rules.push_back(
        Rule(0.15 * trouble, absl::StrCat(R"("echo":[")", echo, R"("])")));
  }
  rules.push_back(Rule(0.5 * trouble, R"("shuffle":true)"));
  rules.push_back(Rule(0.1 * trouble, R"("omit_probability":0.1)"));
  rules.push_back(Rule(0.05 * trouble, R"("wrong_counts":2)"));
  rules.push_back(Rule(0.05 * trouble, R"("wrong_counts":-3)"));
  rules.push_back(Rule(0.3 * trouble, R"("answer_prospect_id":"ProspectId")"));
  rules.push_back(Rule(0.3 * trouble, R"("apply_at_answer":true)"));
  // What becomes of calls. Throttles pause the account for a window.
  for (const char* const fault :
       {"throttle_429", "throttle_403", "throttle_200"}) {
    rules.push_back(
        Rule(0.002 * trouble, absl::StrCat(R"("fault":")", fault, R"(")")));
  }
  for (const char* const fault :
       {"error_412", "html_502", "empty_body", "truncated_body", "garbage_json",
        "reset_before_reading", "reset_after_applying", "reset_mid_answer",
        "close_without_answer"}) {
    rules.push_back(
        Rule(0.008 * trouble, absl::StrCat(R"("fault":")", fault, R"(")")));
  }
  rules.push_back(
      Rule(0.008 * trouble, R"("fault":"html_502","fault_applies":true)"));
  rules.push_back(
      Rule(0.008 * trouble,
           R"("fault":"error_500","fault_applies":true,)"
           R"("error_type":"SqlTimeoutException","error_message":"Timeout")"));
  rules.push_back(
      Rule(0.008 * trouble,
           R"("fault":"error_500",)"
           R"("error_type":"SqlTimeoutException","error_message":"Timeout")"));
  rules.push_back(Rule(0.002 * trouble,
                       R"("fault":"oversized","oversized_bytes":3000000)"));
  rules.push_back(Rule(0.002 * trouble, R"("fault":"never_answer")"));
  std::string all;
  for (const std::string& rule : rules) {
    absl::StrAppend(&all, all.empty() ? "" : ",", rule);
  }
  return absl::StrCat(R"({"seed":)", seed, R"(,"rules":[)", all, "]}");
}

// A new directory with the two key files, gone at the end.
class KeyFiles {
 public:
  KeyFiles() {
    directory_ = std::filesystem::temp_directory_path() / "fault_run_XXXXXX";
    if (mkdtemp(directory_.data()) == nullptr) abort();
  }
  ~KeyFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  KeyFiles(const KeyFiles&) = delete;
  KeyFiles& operator=(const KeyFiles&) = delete;

  std::string access_key() const { return directory_ + "/access_key"; }
  std::string secret_key() const { return directory_ + "/secret_key"; }
  void Write(const sandbox::KeyPair& keys) const {
    for (const auto& [file, key] : {std::pair(access_key(), keys.access_key),
                                    std::pair(secret_key(), keys.secret_key)}) {
      std::ofstream(file) << key;
      std::filesystem::permissions(file,
                                   std::filesystem::perms::owner_read |
                                       std::filesystem::perms::owner_write);
    }
  }

 private:
  std::string directory_;
};

// What a client does with its RPC.
enum class Habit { kReads, kReadsSlowly, kCancels, kHasDeadline, kLeaves };

const char* NameOf(Habit habit) {
  switch (habit) {
    case Habit::kReads:
      return "read to the end";
    case Habit::kReadsSlowly:
      return "did not read for a while";
    case Habit::kCancels:
      return "cancelled";
    case Habit::kHasDeadline:
      return "had a deadline";
    case Habit::kLeaves:
      return "did not read, then cancelled";
  }
  return "";
}

struct PlannedRpc {
  v1::BulkUpdateLeadsRequest request;
  RpcFact fact;
  Habit habit = Habit::kReads;
  absl::Duration after;  // of what the habit does
};

class Session {
 public:
  explicit Session(const FaultOptions& options) : options_(options) {}

  absl::StatusOr<FaultSession> Run();

 private:
  absl::Status Start();
  PlannedRpc Plan(Dice& dice);
  void Work(int worker);
  // Returns how it ended: "OK", or the reason that the gateway gives.
  std::string Call(PlannedRpc planned);
  void TakeMessage(const v1::BulkUpdateLeadsResponse& message, RpcFact& fact);
  void RotateKeys(int rotation);
  absl::Time Now() const { return sandbox_->account().Now(); }

  // What the sandbox saw, as facts.
  void TakeCalls();
  void TakeWrites();
  void Count();

  const FaultOptions options_;
  const KeyFiles files_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<server::Server> server_;
  std::vector<std::unique_ptr<v1::LeadGatewayService::Stub>> stubs_;
  absl::Time end_;
  Signal over_;  // no new RPCs

  std::mutex mutex_;
  int next_rpc_ = 0;  // guarded by mutex_
  // Guarded by mutex_. By number; each worker fills in its own.
  std::map<int, RpcFact> rpcs_;
  FaultSession session_;
};

absl::Status Session::Start() {
  sandbox::SandboxOptions judge;
  judge.account.seed = options_.seed;
  judge.account.generate_leads = kPeople;
  judge.account.history_field = "FirstName";
  judge.account.allowance.calls = kCalls;
  judge.account.allowance.window = kWindow;
  judge.account.allowance.count_at = sandbox::CountAt::kRandom;
  judge.account.always.latency_min = absl::Milliseconds(5);
  judge.account.always.latency_max = absl::Milliseconds(80);
  judge.account.always.spike_probability = 0.01;
  judge.account.always.spike = absl::Milliseconds(800);
  judge.account.always.poison_value = kPoison;
  judge.account.always.throttle_status = 429;
  judge.account.faults_json = Faults(options_.seed, options_.trouble);
  auto sandbox = sandbox::Sandbox::Create(std::move(judge));
  if (!sandbox.ok()) return sandbox.status();
  sandbox_ = *std::move(sandbox);

  files_.Write(sandbox::TestKeys());
  GatewayOptions gateway;
  gateway.listen_address = "127.0.0.1:0";
  gateway.log_level = LogLevel::kError;
  gateway.default_account = "acme";
  gateway.drain_timeout = kDrainTimeout;
  AccountOptions& account = gateway.accounts.emplace_back();
  account.name = "acme";
  account.base_url = sandbox_->url();
  account.access_key_file = files_.access_key();
  account.secret_key_file = files_.secret_key();
  account.calls = kCalls;
  account.window = kWindow;
  account.call_timeout = kCallTimeout;
  account.unique_fields = {"mx_Customer_ID"};
  auto server = server::Server::Create(std::move(gateway));
  if (!server.ok()) return server.status();
  server_ = *std::move(server);

  // A few connections, as a few clients have.
  for (int i = 0; i < 5; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stubs_.push_back(v1::LeadGatewayService::NewStub(grpc::CreateCustomChannel(
        server_->listen_address(), grpc::InsecureChannelCredentials(),
        arguments)));
  }
  // Requests before the account's fields are known are refused.
  const absl::Time until = absl::Now() + absl::Seconds(30);
  for (;;) {
    grpc::ClientContext asking;
    asking.set_wait_for_ready(true);
    asking.set_deadline(absl::ToChronoTime(until));
    v1::ListLeadFieldsResponse fields;
    const grpc::Status status = stubs_[0]->ListLeadFields(&asking, {}, &fields);
    if (status.ok()) return absl::OkStatus();
    if (absl::Now() > until) {
      return absl::UnavailableError(status.error_message());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

PlannedRpc Session::Plan(Dice& dice) {
  PlannedRpc planned;
  static constexpr const char* kKeys[] = {"EmailAddress", "EmailAddress",
                                          "Phone", "", "mx_Customer_ID"};
  RpcFact& fact = planned.fact;
  fact.search_key = kKeys[dice.Roll(5)];
  fact.key_is_phone = fact.search_key == "Phone";
  planned.request.set_search_by_key(fact.search_key);
  planned.request.mutable_options()
      ->set_push_non_existent_leads_to_unprocessed_list(dice.Chance(0.5));
  const bool faulty = dice.Chance(0.2);
  const bool poisoned = dice.Chance(0.02);
  const int count =
      dice.Chance(0.2) ? dice.Between(60, 200) : dice.Between(1, 50);
  std::set<int> taken;
  for (int i = 0; i < count; ++i) {
    LeadFact lead;
    do {
      const double share = dice.Unit();
      lead.person = static_cast<int>(kPeople * share * share * share);
    } while (!taken.insert(lead.person).second);
    if (faulty && dice.Chance(0.1)) lead.person += 500'000;  // nobody
    const int form = dice.Roll(4);
    if (fact.search_key == "EmailAddress") {
      lead.key = absl::StrCat("lead", lead.person, "@example.com");
      if (form == 1) absl::AsciiStrToUpper(&lead.key);
      if (form == 2) lead.key = absl::StrCat(" ", lead.key, " ");
    } else if (fact.search_key == "Phone") {
      lead.key = absl::StrFormat("+91-9%09d", lead.person);
      if (form == 1) lead.key = lead.key.substr(1);
    } else if (fact.search_key.empty()) {
      lead.key = sandbox::LeadStore::GeneratedProspectId(
          static_cast<uint64_t>(lead.person), options_.seed);
      if (form == 1) absl::AsciiStrToUpper(&lead.key);
    } else {
      lead.key = absl::StrFormat("C%08d", lead.person);
      if (form == 2) absl::StrAppend(&lead.key, " ");
    }
    if (lead.person >= kPeople) lead.person = -1;
    v1::Lead* const message = planned.request.add_leads();
    const auto add = [message](absl::string_view attribute,
                               absl::string_view value) {
      v1::LeadField* const field = message->add_fields();
      field->set_attribute(std::string(attribute));
      field->set_string_value(std::string(value));
    };
    add(fact.search_key.empty() ? "ProspectId" : fact.search_key, lead.key);
    add("FirstName", "");  // its token, once its RPC has a number
    if (faulty && dice.Chance(0.05)) {
      lead.invalid = true;
      add("FirstName", "again");
    } else if (poisoned && dice.Chance(0.05)) {
      add("mx_City", kPoison);
      lead.poison = true;
    }
    fact.leads.push_back(std::move(lead));
  }
  const double habit = dice.Unit();
  if (habit < 0.55) {
    planned.habit = Habit::kReads;
  } else if (habit < 0.65) {
    planned.habit = Habit::kReadsSlowly;
    planned.after = dice.Between(absl::ZeroDuration(), absl::Seconds(2));
  } else if (habit < 0.8) {
    planned.habit = Habit::kCancels;
    planned.after = dice.Between(absl::ZeroDuration(), absl::Seconds(3));
  } else if (habit < 0.95) {
    planned.habit = Habit::kHasDeadline;
    planned.after = dice.Between(absl::Milliseconds(20), absl::Seconds(6));
  } else {
    planned.habit = Habit::kLeaves;
    planned.after = dice.Between(absl::ZeroDuration(), absl::Seconds(3));
  }
  return planned;
}

void Session::TakeMessage(const v1::BulkUpdateLeadsResponse& message,
                          RpcFact& fact) {
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
    told.at = Now();
    fact.results.push_back(std::move(told));
  }
  if (!message.has_summary()) return;
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

std::string Session::Call(PlannedRpc planned) {
  RpcFact& fact = planned.fact;
  int number = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    number = next_rpc_++;
  }
  for (size_t i = 0; i < fact.leads.size(); ++i) {
    fact.leads[i].token = absl::StrCat("w", number, ".", i);
    v1::Lead* const lead = planned.request.mutable_leads(static_cast<int>(i));
    lead->set_tag(fact.leads[i].token);
    lead->mutable_fields(1)->set_string_value(fact.leads[i].token);
  }
  grpc::ClientContext context;
  context.AddMetadata("x-lead-caller", absl::StrCat("caller", number % 4));
  if (planned.habit == Habit::kHasDeadline) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + planned.after));
  }
  const bool cancels =
      planned.habit == Habit::kCancels || planned.habit == Habit::kLeaves;
  Signal finished;
  std::optional<absl::Time> cancelled;  // the canceller's until it is joined
  std::thread canceller;
  fact.started = Now();
  auto stream =
      stubs_[static_cast<size_t>(number) % stubs_.size()]->BulkUpdateLeads(
          &context, planned.request);
  if (cancels) {
    canceller = std::thread([&] {
      if (finished.WaitFor(planned.after)) return;
      cancelled = Now();
      context.TryCancel();
    });
  }
  stream->WaitForInitialMetadata();
  const absl::Time opened = Now();
  // One that was cancelled meanwhile has none.
  if (context.GetServerInitialMetadata().count("x-request-id") > 0) {
    fact.taken = opened;
  }
  if (planned.habit == Habit::kReadsSlowly || planned.habit == Habit::kLeaves) {
    // Nothing is read meanwhile.
    finished.WaitFor(planned.after);
  }
  v1::BulkUpdateLeadsResponse message;
  while (stream->Read(&message)) TakeMessage(message, fact);
  const grpc::Status status = stream->Finish();
  fact.ended = Now();
  finished.Set();
  if (canceller.joinable()) canceller.join();

  fact.closed = true;
  fact.end = RpcFact::End::kOk;
  if (!status.ok()) {
    google::rpc::Status rich;
    google::rpc::ErrorInfo info;
    if (rich.ParseFromString(status.error_details())) {
      for (const auto& detail : rich.details()) {
        if (detail.UnpackTo(&info)) fact.reason = info.reason();
      }
    }
    // What the gateway says has a reason; without, it is gRPC's own word.
    static constexpr const char* kCodes[] = {"OK",
                                             "CANCELLED",
                                             "UNKNOWN",
                                             "INVALID_ARGUMENT",
                                             "DEADLINE_EXCEEDED",
                                             "NOT_FOUND",
                                             "ALREADY_EXISTS",
                                             "PERMISSION_DENIED",
                                             "RESOURCE_EXHAUSTED",
                                             "FAILED_PRECONDITION",
                                             "ABORTED",
                                             "OUT_OF_RANGE",
                                             "UNIMPLEMENTED",
                                             "INTERNAL",
                                             "UNAVAILABLE",
                                             "DATA_LOSS",
                                             "UNAUTHENTICATED"};
    fact.code = kCodes[static_cast<size_t>(status.error_code())];
    fact.end =
        fact.reason.empty() ? RpcFact::End::kCancelled : RpcFact::End::kError;
    if (fact.end == RpcFact::End::kCancelled && cancelled) {
      fact.ended = *cancelled;
    }
  }
  for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
    int count = 0;
    if (absl::string_view(key.data(), key.size()).substr(0, 8) == "x-leads-" &&
        absl::SimpleAtoi(absl::string_view(value.data(), value.size()),
                         &count)) {
      fact.counted_by_gateway += count;
    }
  }
  std::string end = status.ok() ? "OK" : fact.reason;
  const std::lock_guard<std::mutex> lock(mutex_);
  ++session_.clients[NameOf(planned.habit)];
  rpcs_.emplace(number, std::move(fact));
  return end;
}

void Session::Work(int worker) {
  Dice dice(options_.seed * 1000 + static_cast<uint64_t>(worker));
  while (!over_.WaitFor(absl::ZeroDuration())) {
    const std::string end = Call(Plan(dice));
    if (end == "DRAINING") return;
    // As a client with manners does.
    if (end != "OK") over_.WaitFor(absl::Milliseconds(50));
  }
}

void Session::RotateKeys(int rotation) {
  const sandbox::KeyPair fresh{
      .label = absl::StrCat("rotation", rotation),
      .access_key = absl::StrFormat("u$r%032x", 1000 + rotation),
      .secret_key = absl::StrFormat("%040x", 5000 + rotation)};
  if (rotation % 2 == 1) {
    // The files first, as an operator should.
    files_.Write(fresh);
    over_.WaitFor(absl::Milliseconds(300));
    sandbox_->account().AcceptKeys({fresh});
  } else {
    sandbox_->account().AcceptKeys({fresh});
    over_.WaitFor(absl::Milliseconds(300));
    files_.Write(fresh);
  }
  ++session_.key_rotations;
}

void Session::TakeCalls() {
  WorldLog& log = session_.log;
  // By the call's number, which begins at 1.
  log.calls.emplace_back();
  for (const sandbox::CallRecord& call :
       sandbox_->account().Record(1, 1'000'000)) {
    CallFact& fact = log.calls.emplace_back();
    fact.update = call.endpoint == sandbox::Endpoint::kUpdate;
    fact.what =
        absl::StrCat(sandbox::VerdictName(call.verdict), ", ",
                     sandbox::FaultName(call.fault), ", status ", call.status);
    fact.handed = call.arrival;
    fact.left = call.arrival;
    fact.counted = call.counted;
    // Its client may have given up sooner than the sandbox has seen, but not
    // before its time.
    fact.ended = std::min(call.answered.value_or(absl::InfiniteFuture()),
                          call.arrival + 0.8 * kCallTimeout);
    const bool turned_away =
        call.verdict == sandbox::Verdict::kPending ||
        call.verdict == sandbox::Verdict::kThrottled ||
        call.verdict == sandbox::Verdict::kThrottledByFault ||
        call.verdict == sandbox::Verdict::kUnauthorized;
    fact.read = fact.update && !turned_away && call.lead_count > 0;
    const bool faultless = call.verdict == sandbox::Verdict::kAnswered;
    fact.whole = faultless && call.delivered;
    fact.refused = call.verdict == sandbox::Verdict::kRefused ||
                   (call.verdict == sandbox::Verdict::kFault &&
                    call.fault == sandbox::Fault::kError412);
    for (const sandbox::RequestLead& lead : call.Leads()) {
      CarriedFact& carried = fact.leads.emplace_back();
      // "w12.3"
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(
              absl::string_view(lead.value).substr(lead.value.empty() ? 0 : 1),
              absl::MaxSplits('.', 1));
      if (!absl::SimpleAtoi(parts.first, &carried.rpc) ||
          !absl::SimpleAtoi(parts.second, &carried.index)) {
        carried.rpc = -1;
      }
      if (!faultless || !lead.named) continue;
      carried.told_updated = lead.fate == sandbox::LeadFate::kSuccess;
      carried.told_failed = lead.fate == sandbox::LeadFate::kFailed;
      carried.told_unprocessed = lead.fate == sandbox::LeadFate::kUnprocessed;
    }
    if (call.fault != sandbox::Fault::kNone &&
        call.verdict != sandbox::Verdict::kThrottled &&
        call.verdict != sandbox::Verdict::kUnauthorized) {
      ++session_.faults[absl::StrCat(sandbox::FaultName(call.fault),
                                     call.applied ? " (applied)" : "")];
    }
  }
}

void Session::TakeWrites() {
  WorldLog& log = session_.log;
  for (int person = 0; person < kPeople; ++person) {
    for (const sandbox::AppliedUpdate& write : sandbox_->account().History(
             "EmailAddress", absl::StrCat("lead", person, "@example.com"))) {
      WriteFact& fact = log.writes.emplace_back();
      fact.at = write.at;
      fact.call = static_cast<int>(write.call);
      fact.person = person;
      fact.token = write.value;
      const CarriedFact& carried =
          log.calls[static_cast<size_t>(write.call)].leads[write.index];
      fact.rpc = carried.rpc;
      fact.index = carried.index;
    }
  }
  std::stable_sort(
      log.writes.begin(), log.writes.end(),
      [](const WriteFact& a, const WriteFact& b) { return a.at < b.at; });
}

void Session::Count() {
  std::set<std::pair<int, int>> applied;
  for (const WriteFact& write : session_.log.writes) {
    applied.insert({write.rpc, write.index});
  }
  for (size_t r = 0; r < session_.log.rpcs.size(); ++r) {
    const RpcFact& rpc = session_.log.rpcs[r];
    ++session_.rpc_ends[rpc.end == RpcFact::End::kOk
                            ? "OK"
                            : absl::StrCat(rpc.code, " ", rpc.reason)];
    std::set<int> told;
    for (const ResultFact& result : rpc.results) {
      ++session_.outcomes[absl::StrCat(result.outcome, " ", result.reason)];
      told.insert(result.index);
      if (applied.contains({static_cast<int>(r), result.index})) {
        ++session_.applied[result.outcome];
      }
    }
    for (size_t i = 0; i < rpc.leads.size(); ++i) {
      if (told.contains(static_cast<int>(i))) continue;
      ++session_.outcomes["(no result: its RPC failed or was cancelled)"];
      if (applied.contains({static_cast<int>(r), static_cast<int>(i)})) {
        ++session_.applied["(no result: its RPC was cancelled)"];
      }
    }
  }
}

absl::StatusOr<FaultSession> Session::Run() {
  if (absl::Status started = Start(); !started.ok()) return started;
  const absl::Time began = absl::Now();
  end_ = began + options_.load;
  std::vector<std::thread> workers;
  for (int i = 0; i < options_.concurrent_rpcs; ++i) {
    workers.emplace_back([this, i] { Work(i); });
  }
  // A third and two thirds on their way.
  for (int rotation = 1; rotation <= 2; ++rotation) {
    over_.WaitFor(began + options_.load * rotation / 3 - absl::Now());
    RotateKeys(rotation);
  }
  over_.WaitFor(end_ - absl::Now());
  // With all of them under way.
  Signal drained;
  std::thread drain([this, &drained] {
    server_->Drain();
    drained.Set();
  });
  if (!drained.WaitFor(kLongestDrain)) {
    // Nothing of it can be taken down in good order any more.
    std::fprintf(stderr,
                 "rpc_ends: the gateway's drain does not come to its end\n");
    std::_Exit(1);
  }
  drain.join();
  over_.Set();
  for (std::thread& worker : workers) worker.join();
  server_ = nullptr;
  sandbox_->Stop();

  WorldLog& log = session_.log;
  log.from_outside = true;
  log.hearing = kHearing;
  log.seed = options_.seed;
  log.setting = "real sockets";
  log.accounts.push_back(
      {.name = "acme", .limit_calls = kCalls, .limit_window = kWindow});
  for (auto& [number, rpc] : rpcs_) log.rpcs.push_back(std::move(rpc));
  session_.stats = sandbox_->account().Stats();
  TakeCalls();
  TakeWrites();
  Count();
  return std::move(session_);
}

}  // namespace

absl::StatusOr<FaultSession> RunFaults(const FaultOptions& options) {
  return Session(options).Run();
}

}  // namespace leadgateway::bench
