#include "tests/simulation/world_auditor.h"

#include <algorithm>
#include <cctype>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/simulation/world_log.h"

namespace leadgateway::simulation {
namespace {

// Violations of one kind beyond these only repeat the first.
constexpr int kMostOfAKind = 5;
constexpr size_t kMostLeadsPerCall = 25;
constexpr size_t kAnswers = 100;

// Since the beginning of the world, whose clock starts at a whole day.
std::string Clock(absl::Time at) {
  if (at == absl::InfiniteFuture()) return "never";
  return absl::StrCat(absl::ToUnixMicros(at) % (int64_t{86'400} * 1'000'000),
                      "us");
}

// Two keys that touch the same lead: by the contract, trimmed and case-folded,
// phone numbers by their digits.
std::string LaneOf(const RpcFact& rpc, const LeadFact& lead) {
  std::string lane;
  if (rpc.key_is_phone) {
    for (const char c : lead.key) {
      if (std::isdigit(static_cast<unsigned char>(c)) != 0) lane += c;
    }
  } else {
    const size_t first = lead.key.find_first_not_of(" \t");
    const size_t last = lead.key.find_last_not_of(" \t");
    if (first != std::string::npos) {
      lane = lead.key.substr(first, last - first + 1);
    }
    for (char& c : lane) {
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return absl::StrCat(rpc.account, ":", rpc.search_key, "=", lane);
}

// All that is known of one lead.
struct History {
  std::vector<const ResultFact*> results;
  std::vector<std::pair<int, size_t>> calls;  // of the gateway: call, place
  std::vector<std::pair<int, size_t>> copies;
  std::vector<const WriteFact*> writes;
};

class Auditor {
 public:
  explicit Auditor(const WorldLog& log) : log_(log) {
    histories_.resize(log.rpcs.size());
    for (size_t r = 0; r < log.rpcs.size(); ++r) {
      histories_[r].resize(log.rpcs[r].leads.size());
    }
    for (size_t c = 0; c < log.calls.size(); ++c) {
      const CallFact& call = log.calls[c];
      for (size_t place = 0; place < call.leads.size(); ++place) {
        const CarriedFact& lead = call.leads[place];
        if (!Known(lead.rpc, lead.index)) continue;
        History& history = HistoryOf(lead.rpc, lead.index);
        (call.copy ? history.copies : history.calls)
            .emplace_back(static_cast<int>(c), place);
      }
    }
    for (const WriteFact& write : log.writes) {
      if (Known(write.rpc, write.index)) {
        HistoryOf(write.rpc, write.index).writes.push_back(&write);
      }
    }
  }

  std::vector<Violation> Run() {
    for (const std::string& accident : log_.accidents) {
      violations_.push_back({"rpc_ends", accident});
    }
    for (size_t r = 0; r < log_.rpcs.size(); ++r) {
      CheckRpc(static_cast<int>(r));
      for (size_t i = 0; i < log_.rpcs[r].leads.size(); ++i) {
        CheckLead(static_cast<int>(r), static_cast<int>(i));
      }
    }
    CheckCalls();
    CheckFlights();
    CheckOrder();
    for (size_t a = 0; a < log_.accounts.size(); ++a) {
      CheckAllowance(static_cast<int>(a));
      CheckBudget(static_cast<int>(a));
    }
    return std::move(violations_);
  }

 private:
  bool Known(int rpc, int index) const {
    return rpc >= 0 && rpc < static_cast<int>(log_.rpcs.size()) && index >= 0 &&
           index < static_cast<int>(
                       log_.rpcs[static_cast<size_t>(rpc)].leads.size());
  }
  History& HistoryOf(int rpc, int index) {
    return histories_[static_cast<size_t>(rpc)][static_cast<size_t>(index)];
  }
  const RpcFact& Rpc(int rpc) const {
    return log_.rpcs[static_cast<size_t>(rpc)];
  }
  const CallFact& Call(int call) const {
    return log_.calls[static_cast<size_t>(call)];
  }

  std::string TellRpc(int r) const {
    const RpcFact& rpc = Rpc(r);
    static constexpr const char* kEnds[] = {
        "not at all", "with OK", "with an error", "cancelled", "by a crash"};
    return absl::StrCat(
        "\n  RPC ", r, " of gateway ", rpc.generation, ": ", rpc.leads.size(),
        " leads by ", rpc.search_key.empty() ? "ProspectId" : rpc.search_key,
        ", started ", Clock(rpc.started), ", ended ", Clock(rpc.ended), " ",
        kEnds[static_cast<size_t>(rpc.end)], rpc.code.empty() ? "" : " ",
        rpc.code, " ", rpc.reason);
  }

  std::string TellLead(int r, int i) {
    const LeadFact& lead = Rpc(r).leads[static_cast<size_t>(i)];
    const History& history = HistoryOf(r, i);
    std::string text = absl::StrCat(
        TellRpc(r), "\n  lead ", i, " (", lead.token, "): key \"", lead.key,
        "\" of person ", lead.person, lead.invalid ? ", invalid" : "",
        lead.poison ? ", poison" : "",
        lead.gone_field ? ", with a field that is gone" : "");
    for (const ResultFact* result : history.results) {
      absl::StrAppend(&text, "\n    result ", Clock(result->at), ": ",
                      result->outcome, " ", result->reason, " after ",
                      result->attempts, " attempts");
    }
    auto calls = history.calls;
    calls.insert(calls.end(), history.copies.begin(), history.copies.end());
    std::sort(calls.begin(), calls.end());
    for (const auto& [c, place] : calls) {
      const CallFact& call = Call(c);
      const CarriedFact& told = call.leads[place];
      absl::StrAppend(&text, "\n    call ", c,
                      call.copy ? " (the network's copy)" : "", " with ",
                      call.leads.size(), " leads: handed ",
                      call.handed ? Clock(*call.handed) : "-", ", left ",
                      call.left ? Clock(*call.left) : "-", ", counted ",
                      call.counted ? Clock(*call.counted) : "-",
                      call.read ? ", read" : ", not read",
                      call.refused ? ", refused whole" : "", ", ended ",
                      call.ended ? Clock(*call.ended) : "-",
                      call.whole ? " with a whole answer" : "", " [", call.what,
                      "]", told.told_updated ? " says UPDATED" : "",
                      told.told_failed ? " says FAILED" : "",
                      told.told_unprocessed ? " says UNPROCESSED" : "");
    }
    for (const WriteFact* write : history.writes) {
      absl::StrAppend(&text, "\n    applied ", Clock(write->at), " by call ",
                      write->call, " to person ", write->person);
    }
    return text;
  }

  void Violate(const std::string& invariant, const std::string& text) {
    if (++of_a_kind_[invariant] > kMostOfAKind) return;
    violations_.push_back(
        {invariant, absl::StrCat("seed ", log_.seed, " (", log_.setting,
                                 "): ", invariant, ": ", text)});
  }

  void CheckRpc(int r) {
    const RpcFact& rpc = Rpc(r);
    for (const ResultFact& result : rpc.results) {
      if (!Known(r, result.index)) {
        Violate("right_lead",
                absl::StrCat("a result for index ", result.index, TellRpc(r)));
        continue;
      }
      HistoryOf(r, result.index).results.push_back(&result);
    }
    if (rpc.end == RpcFact::End::kNone) {
      Violate("rpc_ends", absl::StrCat("an RPC has no end", TellRpc(r)));
    } else if (!rpc.closed && rpc.end != RpcFact::End::kCrashed) {
      Violate("rpc_ends",
              absl::StrCat("the gateway never lets go of an RPC, with ",
                           rpc.counted_by_gateway, " results by its own count",
                           TellRpc(r)));
    }
    const int total = static_cast<int>(rpc.leads.size());
    if (rpc.end == RpcFact::End::kOk) {
      if (!rpc.summary || rpc.messages_after_summary > 0) {
        Violate("summary_adds_up",
                absl::StrCat("no summary as the last message", TellRpc(r)));
      } else {
        std::map<std::string, int> counts;
        for (const ResultFact& result : rpc.results) ++counts[result.outcome];
        int sum = 0;
        for (const auto& [outcome, count] : rpc.summary->counts) sum += count;
        if (counts != rpc.summary->counts || sum != rpc.summary->total ||
            rpc.summary->total != total || rpc.counted_by_gateway != total) {
          Violate(
              "summary_adds_up",
              absl::StrCat("the summary's ", sum, " of ", rpc.summary->total,
                           " and the gateway's ", rpc.counted_by_gateway,
                           " are not the ", rpc.results.size(), " results of ",
                           total, " leads", TellRpc(r)));
        }
        // Calls that never got a connection may be told or not.
        std::set<int> calls;
        std::set<int> left;
        for (int i = 0; i < total; ++i) {
          for (const auto& [c, place] : HistoryOf(r, i).calls) {
            calls.insert(c);
            if (Call(c).left) left.insert(c);
          }
        }
        const int told = rpc.summary->upstream_calls;
        if (told < static_cast<int>(left.size()) ||
            (!log_.from_outside && told > static_cast<int>(calls.size()))) {
          Violate("sent_as_told", absl::StrCat("the summary tells of ", told,
                                               " calls, but there were ",
                                               left.size(), TellRpc(r)));
        }
      }
    } else if (rpc.closed && rpc.accepted && rpc.counted_by_gateway != total &&
               rpc.end == RpcFact::End::kCancelled) {
      Violate("one_result",
              absl::StrCat("the gateway counts ", rpc.counted_by_gateway,
                           " results of ", total,
                           " leads of an RPC that was "
                           "cancelled",
                           TellRpc(r)));
    }
  }

  void CheckLead(int r, int i) {
    const RpcFact& rpc = Rpc(r);
    const LeadFact& lead = rpc.leads[static_cast<size_t>(i)];
    const History& history = HistoryOf(r, i);
    const auto violate = [&](const char* invariant, const std::string& text) {
      Violate(invariant, absl::StrCat(text, TellLead(r, i)));
    };
    if (rpc.end == RpcFact::End::kOk ? history.results.size() != 1
                                     : history.results.size() > 1) {
      violate("one_result",
              absl::StrCat(history.results.size(), " results of one lead"));
    }
    if (lead.invalid && !history.calls.empty()) {
      violate("invalid_is_not_sent", "a lead that must not be sent was sent");
    }
    for (const WriteFact* write : history.writes) {
      if (write->person != lead.person || write->token != lead.token) {
        violate("right_lead", "a value was written to another lead");
      }
    }
    bool read = false;
    int left = 0;
    for (const auto& [c, place] : history.calls) {
      read |= Call(c).read;
      if (Call(c).left) ++left;
    }
    for (const auto& [c, place] : history.calls) {
      const CallFact& call = Call(c);
      if (call.left && *call.left > rpc.ended + log_.hearing) {
        violate("over_is_over",
                absl::StrCat("call ", c, " left after its RPC had ended"));
      }
    }
    if (rpc.end == RpcFact::End::kError) {
      const bool says_unsent =
          rpc.code == "UNAVAILABLE" || rpc.code == "RESOURCE_EXHAUSTED" ||
          rpc.code == "INVALID_ARGUMENT" || rpc.code == "DEADLINE_EXCEEDED" ||
          rpc.code == "NOT_FOUND";
      if (says_unsent ? left > 0 : read) {
        violate("error_means_unsent",
                "the RPC's error says that nothing was sent");
      }
    }
    if (history.results.empty()) return;
    const ResultFact& result = *history.results.front();
    if (result.tag != lead.token ||
        (result.value != lead.key && !lead.invalid)) {
      violate("right_lead", "a result bears another lead's tag or key");
    }
    const bool learned =
        lead.gone_field && !read && result.reason == "FIELD_UNKNOWN";
    if (lead.invalid != (result.outcome == "INVALID") && !learned) {
      violate("invalid_is_not_sent", "the wrong leads are INVALID");
    }
    if (result.attempts < left ||
        (!log_.from_outside &&
         result.attempts > static_cast<int>(history.calls.size()))) {
      violate("sent_as_told",
              absl::StrCat(result.attempts, " attempts told of ", left));
    }
    bool told_updated = false;
    bool told_refused = false;
    bool told_guilty = false;
    for (const auto& [c, place] : history.calls) {
      const CallFact& call = Call(c);
      if (!call.ended || *call.ended > result.at) continue;
      // That a call is refused shows in its status, too, without a whole body.
      told_refused |= call.refused;
      // Or a refusal that names the field.
      told_guilty |=
          call.refused && (call.leads.size() == 1 || lead.gone_field);
      if (!call.whole) continue;
      const CarriedFact& told = call.leads[place];
      told_updated |= told.told_updated && !told.told_failed;
      told_refused |= told.told_failed || told.told_unprocessed;
      told_guilty |= told.told_failed || told.told_unprocessed;
    }
    bool applied_before = false;
    for (const WriteFact* write : history.writes) {
      applied_before |= write->at <= result.at;
    }
    const bool applied = !history.writes.empty();
    if (result.outcome == "UPDATED") {
      if (!applied_before || !told_updated) {
        violate("updated_is_applied", !told_updated
                                          ? "UPDATED, but no answer said so"
                                          : "UPDATED, but not applied");
      }
    } else if (applied && result.outcome != "UNKNOWN") {
      violate("applied_is_told", absl::StrCat("applied, but ", result.outcome));
    }
    if (result.outcome == "NOT_SENT" && read) {
      violate("not_sent_is_unread", "NOT_SENT, but LeadSquared read it");
    }
    if (result.outcome == "UNKNOWN" && history.calls.empty() &&
        (!log_.from_outside || result.attempts == 0)) {
      violate("sent_as_told", "UNKNOWN, but it was never sent");
    }
    if (result.outcome == "FAILED" || result.outcome == "UNPROCESSED") {
      const bool innocent_word = result.reason == "CALL_REFUSED";
      if (innocent_word ? !told_refused : !told_guilty) {
        violate("failed_was_refused",
                absl::StrCat(result.outcome, " ", result.reason,
                             ", but LeadSquared never said so"));
      }
    }
  }

  void CheckCalls() {
    std::map<std::pair<int, int>, int64_t> calls;
    for (size_t c = 0; c < log_.calls.size(); ++c) {
      const CallFact& call = log_.calls[c];
      if (call.leads.size() > kMostLeadsPerCall) {
        Violate("call_size", absl::StrCat("call ", c, " carries ",
                                          call.leads.size(), " leads"));
      }
      if (call.foreign_keys) {
        Violate("right_account",
                absl::StrCat("call ", c, " bears keys of another account"));
      }
      for (const CarriedFact& lead : call.leads) {
        if (!Known(lead.rpc, lead.index)) {
          Violate("right_lead",
                  absl::StrCat("call ", c, " carries a lead that nobody sent"));
        } else if (Rpc(lead.rpc).account != call.account) {
          Violate("right_account",
                  absl::StrCat("call ", c, " went to account ", call.account,
                               TellLead(lead.rpc, lead.index)));
        }
      }
      if (!call.copy) ++calls[{call.account, call.generation}];
    }
    for (const auto& [whose, count] : log_.calls_by_gateway) {
      if (calls[whose] != count) {
        Violate("sent_as_told",
                absl::StrCat("gateway ", whose.second, " counts ", count,
                             " calls of account ", whose.first, ", but made ",
                             calls[whose]));
      }
    }
  }

  // Of one lane, nothing is in flight twice at once, by one gateway.
  void CheckFlights() {
    struct Flight {
      absl::Time from, to;
      int call, rpc, index;
    };
    std::map<std::string, std::vector<Flight>> lanes;
    for (size_t c = 0; c < log_.calls.size(); ++c) {
      const CallFact& call = log_.calls[c];
      if (call.copy || !call.handed) continue;
      for (const CarriedFact& lead : call.leads) {
        if (!Known(lead.rpc, lead.index)) continue;
        const RpcFact& rpc = Rpc(lead.rpc);
        lanes[absl::StrCat(
                  rpc.generation, "/",
                  LaneOf(rpc, rpc.leads[static_cast<size_t>(lead.index)]))]
            .push_back({*call.handed,
                        call.ended.value_or(absl::InfiniteFuture()),
                        static_cast<int>(c), lead.rpc, lead.index});
      }
    }
    for (auto& [lane, flights] : lanes) {
      std::sort(flights.begin(), flights.end(),
                [](const Flight& a, const Flight& b) {
                  return std::pair(a.from, a.call) < std::pair(b.from, b.call);
                });
      for (size_t i = 1; i < flights.size(); ++i) {
        if (flights[i].from >= flights[i - 1].to) continue;
        Violate("one_in_flight",
                absl::StrCat(lane, " is in calls ", flights[i - 1].call,
                             " and ", flights[i].call, " at once",
                             TellLead(flights[i - 1].rpc, flights[i - 1].index),
                             TellLead(flights[i].rpc, flights[i].index)));
      }
    }
  }

  // What was applied while its call was under way came in the order in which
  // requests came. A call that LeadSquared carries out after the gateway has
  // given it up is beyond anybody's power.
  void CheckOrder() {
    // Of each lane, the write whose RPC came last so far.
    std::map<std::string, const WriteFact*> newest;
    const auto came_before = [this](int one, int other) {
      return log_.from_outside ? Rpc(one).taken < Rpc(other).started
                               : one < other;
    };
    for (const WriteFact& write : log_.writes) {
      if (!Known(write.rpc, write.index)) continue;
      const CallFact& call = Call(write.call);
      if (!call.ended || write.at > *call.ended) continue;
      const RpcFact& rpc = Rpc(write.rpc);
      const std::string lane = absl::StrCat(
          rpc.generation, "/",
          LaneOf(rpc, rpc.leads[static_cast<size_t>(write.index)]));
      const WriteFact*& before = newest[lane];
      if (before != nullptr && came_before(write.rpc, before->rpc)) {
        Violate(
            "order_per_key",
            absl::StrCat("an older value of ", lane, " overwrites a newer one",
                         TellLead(before->rpc, before->index),
                         TellLead(write.rpc, write.index)));
      }
      if (before == nullptr ||
          Rpc(write.rpc).started >= Rpc(before->rpc).started) {
        before = &write;
      }
    }
  }

  // How long after its departure a call may be counted and must have been
  // allowed for, though it was answered by a proxy, or not at all: as long as
  // the slowest of the last hundred that were answered had taken; a second
  // until there are so many.
  absl::Duration MayTake(const CallFact& late) const {
    std::vector<std::pair<absl::Time, absl::Duration>> answers;
    for (const CallFact& call : log_.calls) {
      if (call.copy || !call.whole || call.account != late.account ||
          call.generation != late.generation || !(*call.ended < *late.left)) {
        continue;
      }
      answers.emplace_back(*call.ended, *call.ended - *call.left);
    }
    std::sort(answers.begin(), answers.end());
    absl::Duration longest;
    const size_t first = answers.size() - std::min(answers.size(), kAnswers);
    for (size_t i = first; i < answers.size(); ++i) {
      longest = std::max(longest, answers[i].second);
    }
    return answers.size() < kAnswers ? std::max(longest, absl::Seconds(1))
                                     : longest;
  }

  // Whether the gateway had to allow for the call's being counted when it was.
  bool WasToBeExpected(const CallFact& call) const {
    if (call.ended) {
      return *call.counted <= *call.ended ||
             (call.left && *call.counted - *call.left <= MayTake(call));
    }
    // Under way when the gateway went down: its successor waits for it.
    const auto next = static_cast<size_t>(call.generation) + 1;
    return log_.keeps_state && next < log_.lives.size() &&
           *call.counted <= log_.lives[next] + absl::Seconds(1);
  }

  void CheckAllowance(int account) {
    const WorldLog::Account& limit =
        log_.accounts[static_cast<size_t>(account)];
    std::map<int, std::vector<std::pair<absl::Time, size_t>>> moments;
    for (size_t c = 0; c < log_.calls.size(); ++c) {
      const CallFact& call = log_.calls[c];
      if (call.copy || call.account != account || !call.counted ||
          !WasToBeExpected(call)) {
        continue;
      }
      moments[log_.keeps_state ? 0 : call.generation].emplace_back(
          *call.counted, c);
    }
    const auto most = static_cast<size_t>(limit.limit_calls);
    for (auto& [generation, counted] : moments) {
      std::sort(counted.begin(), counted.end());
      for (size_t i = most; i < counted.size(); ++i) {
        const auto& [first, first_call] = counted[i - most];
        const auto& [last, last_call] = counted[i];
        if (last - first >= limit.limit_window) continue;
        Violate(
            "allowance",
            absl::StrCat(most + 1, " calls of account ", account, ", from ",
                         first_call, " (of gateway ",
                         Call(static_cast<int>(first_call)).generation, ", [",
                         Call(static_cast<int>(first_call)).what, "]) at ",
                         Clock(first), " to ", last_call, " (of gateway ",
                         Call(static_cast<int>(last_call)).generation, ") at ",
                         Clock(last), ", within ",
                         absl::FormatDuration(limit.limit_window)));
        break;
      }
    }
  }

  // Worlds are shorter than a day, and do not pass midnight.
  void CheckBudget(int account) {
    const int64_t most =
        log_.accounts[static_cast<size_t>(account)].daily_calls;
    if (most == 0) return;
    std::map<int, int64_t> calls;
    for (const CallFact& call : log_.calls) {
      if (call.copy || call.account != account || !call.left) continue;
      ++calls[log_.keeps_state ? 0 : call.generation];
    }
    for (const auto& [generation, count] : calls) {
      if (count > most) {
        Violate("budget", absl::StrCat(count, " calls of account ", account,
                                       " in a day of ", most));
      }
    }
  }

  const WorldLog& log_;
  std::vector<std::vector<History>> histories_;
  std::map<std::string, int> of_a_kind_;
  std::vector<Violation> violations_;
};

}  // namespace

std::vector<Violation> Audit(const WorldLog& log) { return Auditor(log).Run(); }

}  // namespace leadgateway::simulation
