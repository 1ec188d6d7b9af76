// Each step at the boundary to LeadSquared fails once, in each way that it can,
// at each of its occurrences: each of libcurl's codes before and after the
// leads were applied, each HTTP status, an answer that is cut short or spoilt
// at each byte, a cancel, a deadline and a shutdown between any two steps.
// Whatever happens, each lead has one result, and the result is true.
//
// The dispatcher and the client of LeadSquared are the production ones; time is
// virtual, and LeadSquared a model that reads the requests' JSON.

#include <curl/curl.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/dispatch/job.h"
#include "gateway/http/curl_error.h"
#include "gateway/http/http_client.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/leadsquared_client.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gtest/gtest.h"
#include "rapidjson/document.h"

namespace leadgateway {
namespace {

using dispatch::AccountDispatcher;
using dispatch::JobId;
using dispatch::JobSpec;
using http::HttpReply;
using http::HttpRequest;

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);
constexpr absl::Duration kLatency = absl::Milliseconds(80);
constexpr int kLeadsPerCall = 5;
constexpr char kMissing[] = "missing@x.y";  // no such lead
constexpr char kRefused[] = "refused@x.y";  // refused for a reason of its own

// ------------------------------------------------------------------
// LeadSquared

// What LeadSquared has seen. The value of each update is its lead's tag.
struct Model {
  std::set<std::string> read;
  std::map<std::string, std::vector<std::string>> applied;  // by search key
  std::set<std::string> denied;  // tags that it refused

  bool Applied(const std::string& key, const std::string& tag) const {
    const auto it = applied.find(key);
    return it != applied.end() &&
           std::find(it->second.begin(), it->second.end(), tag) !=
               it->second.end();
  }
};

struct WireLead {
  std::string key;
  std::string tag;
};

std::vector<WireLead> LeadsOf(const std::string& body) {
  rapidjson::Document document;
  document.Parse(body.c_str(), body.size());
  std::vector<WireLead> leads;
  if (document.HasParseError()) return leads;
  const auto& list = document["LeadPropertiesList"];
  for (rapidjson::SizeType i = 0; i < list.Size(); ++i) {
    const auto& fields = list[i]["Fields"];
    leads.push_back(
        {fields[0]["Value"].GetString(), fields[1]["Value"].GetString()});
  }
  return leads;
}

// Reads, applies, and answers as LeadSquared does.
std::string Process(const std::vector<WireLead>& leads, Model& model) {
  std::string good;
  std::string bad;
  int updated = 0;
  for (const WireLead& lead : leads) {
    model.read.insert(lead.tag);
    const bool refused = lead.key == kRefused || lead.key == kMissing;
    std::string& list = refused ? bad : good;
    if (!list.empty()) list += ",";
    absl::StrAppend(&list,
                    R"({"Identifier":"EmailAddress","IdentifierValue":")",
                    lead.key, "\"");
    if (refused) {
      model.denied.insert(lead.tag);
      absl::StrAppend(&list, R"(,"Reason":")",
                      lead.key == kMissing ? "Lead does not exist in the system"
                                           : "The value is no good",
                      "\"");
    } else {
      model.applied[lead.key].push_back(lead.tag);
      ++updated;
    }
    list += "}";
  }
  return absl::StrCat(R"({"Status":{"TotalCount":)", leads.size(),
                      R"(,"SuccessCount":)", updated, R"(,"FailureCount":)",
                      static_cast<int>(leads.size()) - updated,
                      R"(},"Details":{"SuccessfulLeads":[)", good,
                      R"(],"FailedLeads":[)", bad, "]}}");
}

// --------------------------------------------------------------------- faults

// What becomes of one request instead of its answer.
struct Fault {
  // Whether LeadSquared has read the leads and done its work.
  bool applied = false;
  // Whether it has read them, and refused all of them.
  bool denied = false;
  // Changes the good reply, which holds the answer if `applied`.
  std::function<void(HttpReply&)> spoil;
};

// ---------------------------------------------------------------------- world

class Observer final : public dispatch::JobObserver {
 public:
  void OnResults(std::vector<LeadResult> batch) override {
    EXPECT_FALSE(finished);
    for (LeadResult& result : batch) {
      EXPECT_TRUE(results.emplace(result.index, result).second)
          << "a second result of lead " << result.index;
    }
  }
  void OnProgress(const dispatch::JobProgress&) override {}
  void OnFinished(int) override {
    EXPECT_FALSE(finished);
    finished = true;
  }

  std::map<int, LeadResult> results;
  bool finished = false;
};

struct TestJob {
  std::string name;
  std::vector<std::string> keys;
  std::shared_ptr<Observer> observer = std::make_shared<Observer>();
  std::optional<JobId> id = std::nullopt;

  std::string TagOf(size_t index) const { return absl::StrCat(name, index); }
};

class World final : public http::HttpClient {
 public:
  explicit World(absl::Time finish_by = kStart + absl::Minutes(10)) {
    AccountDispatcher::Options options;
    options.account = "acme";
    options.allowance = {.calls = 10, .window = absl::Seconds(5)};
    options.max_leads_per_call = kLeadsPerCall;
    leadsquared::Credentials keys;
    keys.access_key = Secret("access");
    keys.secret_key = Secret("secret");
    client_ = std::make_unique<leadsquared::LeadSquaredClient>(
        leadsquared::LeadSquaredClient::Options{
            .account = "acme", .base_url = "https://example.com"},
        std::move(keys), this);
    dispatcher_ = std::make_unique<AccountDispatcher>(std::move(options),
                                                      client_.get(), random_);
    // Three requests; one lead is in all of them, and takes its turns.
    jobs_.push_back({"a",
                     {"1@x.y", "2@x.y", "3@x.y", "shared@x.y", "5@x.y", "6@x.y",
                      "7@x.y", "8@x.y"}});
    jobs_.push_back({"b", {"shared@x.y", kMissing, "10@x.y"}});
    jobs_.push_back({"c", {"11@x.y", kRefused, "shared@x.y"}});
    for (TestJob& job : jobs_) {
      events_.emplace(now_,
                      [this, &job, finish_by] { Submit(job, finish_by); });
    }
  }

  void Send(HttpRequest request,
            absl::AnyInvocable<void(HttpReply) &&> done) override {
    const int number = requests_++;
    HttpReply reply;
    reply.sent_at = now_;
    reply.http_status = 200;
    EXPECT_TRUE(request.leave(absl::MakeSpan(request.body)));
    const std::vector<WireLead> leads = LeadsOf(request.body);
    EXPECT_FALSE(leads.empty());
    if (number == fail_at && fault != nullptr) {
      if (fault->applied) reply.body = Process(leads, model_);
      if (fault->denied) {
        for (const WireLead& lead : leads) {
          model_.read.insert(lead.tag);
          model_.denied.insert(lead.tag);
        }
      }
      fault->spoil(reply);
    } else {
      reply.body = Process(leads, model_);
    }
    bodies_.push_back(reply.body);
    events_.emplace(now_ + kLatency, [this, reply = std::move(reply),
                                      done = std::move(done)]() mutable {
      reply.done_at = now_;
      std::move(done)(std::move(reply));
    });
  }

  // Runs to the end; calls `between` with the step's number after each step.
  void Run(const std::function<void(int)>& between = nullptr) {
    int step = 0;
    while (true) {
      absl::Time next = wake_;
      if (!events_.empty()) next = std::min(next, events_.begin()->first);
      const bool over = dispatcher_->idle() && events_.empty();
      if (over || next > kStart + absl::Hours(1)) break;
      ASSERT_LT(step, 5'000) << "it spins";
      now_ = std::max(now_, next);
      if (!events_.empty() && events_.begin()->first <= now_) {
        auto event = std::move(events_.begin()->second);
        events_.erase(events_.begin());
        std::move(event)();
      }
      Tick();
      if (between != nullptr) between(step);
      ++step;
    }
    steps_ = step;
  }

  void Cancel(size_t job) {
    cancelled_.insert(job);
    if (jobs_[job].id) dispatcher_->Cancel(*jobs_[job].id, now_);
    Tick();
  }
  void GiveUp() {
    dispatcher_->GiveUp(now_);
    Tick();
  }

  // Whether all that was told is true.
  void Audit() const {
    EXPECT_TRUE(dispatcher_->idle());
    std::map<std::string, std::vector<std::string>> accepted;  // by key
    for (const TestJob& job : jobs_) {
      if (!job.id) {
        EXPECT_TRUE(job.observer->results.empty());
        continue;
      }
      EXPECT_TRUE(job.observer->finished) << job.name;
      EXPECT_EQ(job.observer->results.size(), job.keys.size()) << job.name;
      for (const auto& [index, result] : job.observer->results) {
        const auto position = static_cast<size_t>(index);
        accepted[job.keys[position]].push_back(job.TagOf(position));
        AuditLead(job.keys[position], job.TagOf(position), result);
      }
    }
    // What is applied to a lead is applied in the order of acceptance; twice
    // only in a row.
    for (const auto& [key, values] : model_.applied) {
      const std::vector<std::string>& order = accepted[key];
      size_t place = 0;
      for (const std::string& value : values) {
        const auto found = static_cast<size_t>(
            std::find(order.begin(), order.end(), value) - order.begin());
        EXPECT_LT(found, order.size()) << value;
        EXPECT_GE(found, place) << value << " overtook another of " << key;
        place = found;
      }
    }
  }

  int requests() const { return requests_; }
  int steps() const { return steps_; }
  const std::vector<std::string>& bodies() const { return bodies_; }
  size_t jobs() const { return jobs_.size(); }
  int Count(Outcome outcome) const {
    int count = 0;
    for (const TestJob& job : jobs_) {
      for (const auto& [index, result] : job.observer->results) {
        if (result.outcome == outcome) ++count;
      }
    }
    return count;
  }

  int fail_at = -1;
  const Fault* fault = nullptr;

 private:
  void Submit(TestJob& job, absl::Time finish_by) {
    const auto position = static_cast<size_t>(&job - jobs_.data());
    if (cancelled_.contains(position)) return;
    JobSpec spec;
    spec.caller = job.name;
    spec.search_key = "EmailAddress";
    spec.finish_by = finish_by;
    for (size_t i = 0; i < job.keys.size(); ++i) {
      LeadUpdate lead;
      lead.index = static_cast<int32_t>(i);
      lead.tag = job.TagOf(i);
      lead.fields = {{"EmailAddress", job.keys[i]}, {"mx_Tag", lead.tag}};
      lead.lane_key = job.keys[i];
      spec.leads.push_back(std::move(lead));
    }
    const absl::StatusOr<JobId> id =
        dispatcher_->Submit(std::move(spec), job.observer, now_);
    if (id.ok()) job.id = *id;
  }

  void AuditLead(const std::string& key, const std::string& tag,
                 const LeadResult& result) const {
    const bool applied = model_.Applied(key, tag);
    EXPECT_EQ(result.tag, tag);
    EXPECT_EQ(result.identifier_value, key);
    EXPECT_LE(result.attempts, requests_);
    switch (result.outcome) {
      case Outcome::kUpdated:
        EXPECT_TRUE(applied) << tag;
        EXPECT_FALSE(result.problem.has_value()) << tag;
        break;
      case Outcome::kUnknown:
        EXPECT_GT(result.attempts, 0) << tag;
        break;
      case Outcome::kNotSent:
        EXPECT_FALSE(model_.read.contains(tag)) << tag;
        break;
      case Outcome::kFailed:
      case Outcome::kUnprocessed:
        EXPECT_FALSE(applied) << tag;
        EXPECT_TRUE(model_.denied.contains(tag)) << tag;
        break;
      case Outcome::kInvalid:
        // Only what another lead's refusal has taught.
        EXPECT_EQ(result.problem->reason, Reason::kFieldUnknown) << tag;
        EXPECT_FALSE(model_.denied.empty()) << tag;
        EXPECT_FALSE(model_.read.contains(tag)) << tag;
        EXPECT_EQ(result.attempts, 0) << tag;
        break;
      case Outcome::kValid:
        ADD_FAILURE() << tag << ": this is no dry run";
    }
  }

  void Tick() { wake_ = dispatcher_->Tick(now_); }

  std::mt19937_64 random_{7};
  absl::Time now_ = kStart;
  absl::Time wake_ = absl::InfiniteFuture();
  std::multimap<absl::Time, absl::AnyInvocable<void() &&>> events_;
  Model model_;
  std::vector<TestJob> jobs_;
  std::set<size_t> cancelled_;
  std::vector<std::string> bodies_;
  int requests_ = 0;
  int steps_ = 0;
  std::unique_ptr<leadsquared::LeadSquaredClient> client_;
  std::unique_ptr<AccountDispatcher> dispatcher_;
};

class TortureTest : public ::testing::Test {
 protected:
  TortureTest() {
    // Spoilt answers are logged by the thousand.
    SetLogSinkForTest([](absl::string_view) {});
    good_.Run();
    good_.Audit();
    EXPECT_EQ(good_.Count(Outcome::kUpdated), 12);
    EXPECT_EQ(good_.Count(Outcome::kFailed), 2);
    EXPECT_GE(good_.requests(), 4);
  }
  ~TortureTest() override {
    SetLogSinkForTest(nullptr);
    RecordProperty("runs", runs_);
  }

  // Lets the fault happen at each request; false as soon as a test fails.
  bool AtEachRequest(const std::string& name, const Fault& fault) {
    for (int at = 0; at < good_.requests(); ++at) {
      if (!At(at, name, fault)) return false;
    }
    return true;
  }
  bool At(int at, const std::string& name, const Fault& fault) {
    SCOPED_TRACE(absl::StrCat(name, " at request ", at));
    World world;
    world.fail_at = at;
    world.fault = &fault;
    world.Run();
    world.Audit();
    ++runs_;
    return !HasFailure();
  }

  World good_;
  int runs_ = 0;
};

// ------------------------------------------------------------------- the tests

TEST_F(TortureTest, AnyCodeOfLibcurl) {
  for (int code = 1; code < CURL_LAST; ++code) {
    const auto status = [code](bool sent) {
      return http::StatusFromCurl(static_cast<CURLcode>(code), sent);
    };
    const Fault faults[] = {
        // Nothing has left.
        {.spoil =
             [&](HttpReply& reply) {
               reply.sent_at = std::nullopt;
               reply.http_status = 0;
               reply.status = status(false);
             }},
        // It left, and was or was not applied; no answer, or a part of one.
        {.spoil =
             [&](HttpReply& reply) {
               reply.http_status = 0;
               reply.status = status(true);
             }},
        {.applied = true,
         .spoil =
             [&](HttpReply& reply) {
               reply.http_status = 0;
               reply.body.clear();
               reply.status = status(true);
             }},
        {.applied = true,
         .spoil =
             [&](HttpReply& reply) {
               reply.body.resize(reply.body.size() / 2);
               reply.status = status(true);
             }},
        // The whole answer came, and then the connection failed all the same.
        {.applied = true,
         .spoil = [&](HttpReply& reply) { reply.status = status(true); }},
    };
    for (size_t i = 0; i < std::size(faults); ++i) {
      if (!AtEachRequest(absl::StrCat("code ", code, " way ", i), faults[i])) {
        return;
      }
    }
  }
}

std::string Exception(absl::string_view type, absl::string_view message) {
  return absl::StrCat(R"({"Status":"Error","ExceptionType":")", type,
                      R"(","ExceptionMessage":")", message, R"("})");
}

// Statuses by which LeadSquared, or something before it, says that it has not
// done the work.
bool TurnsAway(int status) {
  static const std::set<int> statuses = {400, 401, 404, 405, 411, 412,
                                         413, 414, 415, 422, 429, 431};
  return statuses.contains(status);
}

TEST_F(TortureTest, AnyStatus) {
  for (int status = 100; status < 600; ++status) {
    std::vector<std::string> bodies = {""};
    if (status % 10 <= 4) bodies.push_back("<html><h1>Bad Gateway</h1></html>");
    for (const std::string& body : bodies) {
      for (const bool applied : {false, true}) {
        if (applied && TurnsAway(status)) continue;
        const bool refuses =
            TurnsAway(status) && status != 401 && status != 429;
        const Fault fault = {.applied = applied,
                             .denied = refuses,
                             .spoil = [&](HttpReply& reply) {
                               reply.http_status = status;
                               reply.body = body;
                             }};
        if (!AtEachRequest(absl::StrCat("status ", status), fault)) return;
      }
    }
  }
}

TEST_F(TortureTest, AnyExceptionUnderAnyClassOfStatus) {
  struct {
    std::string body;
    bool turned_away;  // unread
    bool final;
  } exceptions[] = {
      {Exception("MXAPIRateLimitExceededException",
                 "API calls exceeded the limit of 10 in 5 second(s)"),
       true, false},
      {Exception("MXInvalidInputException", "no good"), false, true},
      {Exception("MXUnknownAttributeException",
                 "Attribute(s) does not exist - mx_Tag"),
       false, true},
      {Exception("System.TimeoutException", "late"), false, false},
      {R"({"Status":{"TotalCount":5,"SuccessCount":5},"Details":{}})", false,
       false},
      {R"({"Details":{"SuccessfulLeads":[],"FailedLeads":[]}})", false, false},
  };
  for (const auto& exception : exceptions) {
    for (const int status : {200, 201, 301, 400, 403, 412, 429, 500, 503}) {
      for (const bool applied : {false, true}) {
        const bool known =
            exception.turned_away || exception.final || TurnsAway(status);
        if (applied && known) continue;
        const bool unread = exception.turned_away || status == 429;
        const Fault fault = {.applied = applied,
                             .denied = known && !unread,
                             .spoil = [&](HttpReply& reply) {
                               reply.http_status = status;
                               reply.body = exception.body;
                             }};
        if (!AtEachRequest(absl::StrCat(status, " ", exception.body), fault)) {
          return;
        }
      }
    }
  }
}

TEST_F(TortureTest, AnAnswerThatIsCutShortAtAnyByte) {
  for (int at = 0; at < good_.requests(); ++at) {
    const size_t size = good_.bodies()[static_cast<size_t>(at)].size();
    for (size_t length = 0; length < size; ++length) {
      const Fault broken = {.applied = true, .spoil = [&](HttpReply& reply) {
                              reply.body.resize(length);
                              reply.status = absl::UnavailableError("broke");
                            }};
      const Fault whole = {.applied = true, .spoil = [&](HttpReply& reply) {
                             reply.body.resize(length);
                           }};
      if (!At(at, absl::StrCat("broken at ", length), broken)) return;
      if (!At(at, absl::StrCat("cut at ", length), whole)) return;
    }
  }
}

// A byte that JSON has nowhere: each place where the parser may be then fails.
TEST_F(TortureTest, AnAnswerThatIsSpoiltAtAnyByte) {
  for (int at = 0; at < good_.requests(); ++at) {
    const size_t size = good_.bodies()[static_cast<size_t>(at)].size();
    for (size_t place = 0; place < size; ++place) {
      for (const char byte : {'\x01', '\xff'}) {
        const Fault fault = {.applied = true, .spoil = [&](HttpReply& reply) {
                               reply.body[place] = byte;
                             }};
        if (!At(at, absl::StrCat("spoilt at ", place), fault)) return;
      }
    }
  }
}

TEST_F(TortureTest, AnEntryThatIsMissingDoubledOrMovedToTheOtherList) {
  for (int at = 0; at < good_.requests(); ++at) {
    const std::string& body = good_.bodies()[static_cast<size_t>(at)];
    std::vector<std::pair<size_t, size_t>> entries;
    for (size_t begin = body.find("{\"Identifier\""); begin != body.npos;
         begin = body.find("{\"Identifier\"", begin + 1)) {
      entries.emplace_back(begin, body.find('}', begin) + 1 - begin);
    }
    ASSERT_FALSE(entries.empty());
    for (const auto& place : entries) {
      // No structured binding: clang 14 captures none.
      const size_t begin = place.first;
      const size_t length = place.second;
      const std::string entry = body.substr(begin, length);
      const Fault missing = {.applied = true, .spoil = [&](HttpReply& reply) {
                               reply.body.replace(begin, length, "{}");
                             }};
      const Fault twice = {.applied = true, .spoil = [&](HttpReply& reply) {
                             reply.body.insert(begin, entry + ",");
                           }};
      const Fault both_lists = {
          .applied = true, .spoil = [&](HttpReply& reply) {
            const size_t list = reply.body.find("\"FailedLeads\":[") + 15;
            const bool empty = reply.body[list] == ']';
            reply.body.insert(list, empty ? entry : entry + ",");
          }};
      if (!At(at, "missing", missing)) return;
      if (!At(at, "twice", twice)) return;
      // Of a lead that was updated; the other kind is in that list already.
      if (begin < body.find("\"FailedLeads\"") &&
          !At(at, "in both lists", both_lists)) {
        return;
      }
    }
  }
}

// A cancel is what a failed write to the caller comes to, as well.
TEST_F(TortureTest, ACancelAfterAnyStepWhateverHappensToACall) {
  const Fault reset = {.applied = true, .spoil = [](HttpReply& reply) {
                         reply.body.clear();
                         reply.http_status = 0;
                         reply.status = absl::UnavailableError("reset");
                       }};
  const Fault refused = {.denied = true, .spoil = [](HttpReply& reply) {
                           reply.http_status = 500;
                           reply.body =
                               Exception("MXInvalidInputException", "no");
                         }};
  const Fault throttled = {.spoil = [](HttpReply& reply) {
    reply.http_status = 429;
    reply.retry_after = absl::Seconds(1);
  }};
  const Fault keys = {
      .spoil = [](HttpReply& reply) { reply.http_status = 401; }};
  const Fault unsent = {.spoil = [](HttpReply& reply) {
    reply.sent_at = std::nullopt;
    reply.http_status = 0;
    reply.status = absl::UnavailableError("no connection");
  }};
  for (const Fault* fault : {static_cast<const Fault*>(nullptr), &reset,
                             &refused, &throttled, &keys, &unsent}) {
    for (int at = 0; at < (fault == nullptr ? 1 : good_.requests()); ++at) {
      World whole;
      whole.fail_at = at;
      whole.fault = fault;
      whole.Run();
      whole.Audit();
      // 3: a shutdown. 4: the deadline.
      for (size_t what = 0; what < whole.jobs() + 2; ++what) {
        for (int step = 0; step < whole.steps(); ++step) {
          SCOPED_TRACE(absl::StrCat("fault at ", at, ", event ", what,
                                    " after step ", step));
          const bool deadline = what == whole.jobs() + 1;
          World world(deadline ? kStart + absl::Milliseconds(20 * step)
                               : kStart + absl::Minutes(10));
          world.fail_at = at;
          world.fault = fault;
          world.Run([&](int now) {
            if (now != step || deadline) return;
            if (what < world.jobs()) {
              world.Cancel(what);
            } else {
              world.GiveUp();
            }
          });
          world.Audit();
          ++runs_;
          if (HasFailure()) return;
        }
      }
    }
  }
}

}  // namespace
}  // namespace leadgateway
