#include "gateway/leadsquared/leadsquared_client.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/http/http_client.h"
#include "gateway/leadsquared/answer_reader.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/wire_codec.h"
#include "gateway/model/lead.h"
#include "gateway/model/limits.h"

namespace leadgateway::leadsquared {
namespace {

constexpr absl::string_view kUpdatePath =
    "/v2/LeadManagement.svc/Lead/Bulk/UpdateV2";
constexpr absl::string_view kFieldsPath =
    "/v2/LeadManagement.svc/LeadsMetaData.Get";
constexpr absl::string_view kFieldsWithoutOptionsPath =
    "/v2/LeadManagement.svc/LeadsMetaData.Get?excludeOptionSets=1";
// 210 fields with option sets take some 300 KB; an account with 5,000 options a
// few MB.
constexpr size_t kMaxFieldsBytes = size_t{32} << 20;

// An answer may quote a key that it refuses. What is told of it may not:
// neither as it is nor as a query has it. Of keys that contain each other the
// longer one is found first.
void HideKeys(const std::vector<Secret>& keys, std::string& text) {
  std::vector<std::pair<std::string, std::string>> hidden;
  for (const Secret& key : keys) {
    if (key.empty()) continue;
    if (absl::StrContains(text, key.Reveal())) {
      hidden.emplace_back(key.Reveal(), "(a key)");
    }
    if (!absl::StrContains(text, "%")) continue;
    std::string upper;
    std::string lower;
    for (const char c : key.Reveal()) {
      const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c));
      const std::string hex = absl::BytesToHexString(absl::string_view(&c, 1));
      lower += plain ? std::string(1, c) : absl::StrCat("%", hex);
      upper += plain ? std::string(1, c)
                     : absl::StrCat("%", absl::AsciiStrToUpper(hex));
    }
    for (std::string form : {upper, lower}) {
      if (absl::StrContains(text, form)) {
        hidden.emplace_back(std::move(form), "(a key)");
      }
    }
  }
  if (!hidden.empty()) text = absl::StrReplaceAll(text, hidden);
}

void HideKeys(const std::vector<Secret>& keys, dispatch::CallReport& report) {
  HideKeys(keys, report.text);
  for (dispatch::LeadVerdict& lead : report.leads) HideKeys(keys, lead.text);
  for (std::string& name : report.unknown_fields) HideKeys(keys, name);
}

// Shorter ones ("Yes", "91") would be found in words of their own.
constexpr size_t kShortestHiddenValue = 4;

// Replaces `value` in `text`, in any case, and what is left of it where the
// text was cut.
void HideValue(absl::string_view value, std::string& text) {
  constexpr absl::string_view kInstead = "(a value)";
  if (value.size() < kShortestHiddenValue) return;
  const std::string wanted = absl::AsciiStrToLower(value);
  std::string folded = absl::AsciiStrToLower(text);
  for (size_t at = 0; (at = folded.find(wanted, at)) != std::string::npos;
       at += kInstead.size()) {
    folded.replace(at, wanted.size(), kInstead.data(), kInstead.size());
    text.replace(at, wanted.size(), kInstead.data(), kInstead.size());
  }
  absl::string_view whole = folded;
  absl::ConsumeSuffix(&whole, "...");
  for (size_t length = std::min(wanted.size() - 1, whole.size());
       length >= kShortestHiddenValue; --length) {
    if (!absl::EndsWith(whole, wanted.substr(0, length))) continue;
    text.replace(whole.size() - length, length, kInstead.data(),
                 kInstead.size());
    return;
  }
}

// What is told of a call as a whole reaches other callers than those whose
// leads it carried, the status page and the log; so values that an answer
// quotes go. Only who alone was in the call hears what LeadSquared said, to the
// letter.
void HideValues(absl::Span<const LeadUpdate* const> leads,
                dispatch::CallReport& report) {
  using Verdict = dispatch::CallVerdict;
  if (report.text.empty() || report.verdict == Verdict::kAnswered ||
      (report.verdict == Verdict::kRefused && leads.size() == 1)) {
    return;
  }
  for (const LeadUpdate* const lead : leads) {
    HideValue(lead->lane_key, report.text);
    for (const FieldValue& field : lead->fields) {
      HideValue(field.value, report.text);
    }
  }
}

}  // namespace

LeadSquaredClient::LeadSquaredClient(Options options, Credentials credentials,
                                     http::HttpClient* http)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      http_(http) {}

http::HttpRequest LeadSquaredClient::NewRequest(absl::string_view path) const {
  http::HttpRequest request;
  const std::string url = absl::StrCat(options_.base_url, path);
  if (options_.credentials_in_query) {
    request.url = AppendCredentialQuery(url, credentials_);
  } else {
    request.url = Secret(url);
    request.headers = CredentialHeaders(credentials_);
  }
  request.timeout = options_.call_timeout;
  request.connect_timeout = std::min(kConnectTimeout, options_.call_timeout);
  request.max_answer_bytes = kMaxAnswerBytes;
  return request;
}

void LeadSquaredClient::Update(
    dispatch::UpdateCall call,
    absl::AnyInvocable<void(dispatch::CallReport) &&> done) {
  http::HttpRequest request = NewRequest(kUpdatePath);
  request.method = http::HttpRequest::Method::kPost;
  request.headers.emplace_back("Content-Type: application/json");
  request.headers.emplace_back("Accept: application/json");
  request.body = EncodeUpdate(call.search_key, call.leads);
  if (call.leave) {
    request.leave = [search_key = call.search_key, leads = call.leads.size(),
                     leave = std::move(call.leave)](absl::Span<char> body) {
      const std::vector<const LeadUpdate*> leaving = leave();
      if (leaving.empty()) return false;
      if (leaving.size() == leads) return true;
      // Fewer leads take fewer bytes; JSON may end with spaces.
      const std::string shorter = EncodeUpdate(search_key, leaving);
      std::fill(std::copy(shorter.begin(), shorter.end(), body.begin()),
                body.end(), ' ');
      return true;
    };
  }
  http_->Send(
      std::move(request),
      [this, account = options_.account, generation = credentials_.generation,
       keys = Keys(), leads = std::move(call.leads),
       done = std::move(done)](http::HttpReply reply) mutable {
        // Before anything is cut out of it; and after, since JSON may have
        // escaped a key.
        HideKeys(keys, reply.body);
        ReadAnswer read = ReadReply(reply, leads);
        HideKeys(keys, read.report);
        HideValues(leads, read.report);
        if (read.strangers > 0 || read.counts_differ) {
          LogLine(LogLevel::kWarn, "answer_does_not_fit")
              .Add("account", account)
              .Add("leads", leads.size())
              .Add("entries_that_fit_no_lead", read.strangers)
              .AddBool("counts_differ", read.counts_differ);
        }
        Deliver(generation, std::move(read.report), std::move(done));
      });
}

void LeadSquaredClient::Deliver(
    int64_t generation, dispatch::CallReport report,
    absl::AnyInvocable<void(dispatch::CallReport) &&> done) {
  if (report.verdict != dispatch::CallVerdict::kCredentialsRejected) {
    std::move(done)(std::move(report));
    return;
  }
  if (generation == credentials_.generation && recheck_ != nullptr) {
    recheck_([this, generation, report = std::move(report),
              done = std::move(done)]() mutable {
      report.keys_replaced = generation != credentials_.generation;
      std::move(done)(std::move(report));
    });
    return;
  }
  report.keys_replaced = generation != credentials_.generation;
  std::move(done)(std::move(report));
}

void LeadSquaredClient::GetFields(
    bool with_options,
    absl::AnyInvocable<void(dispatch::CallReport, std::string) &&> done) {
  http::HttpRequest request =
      NewRequest(with_options ? kFieldsPath : kFieldsWithoutOptionsPath);
  request.headers.emplace_back("Accept: application/json");
  request.max_answer_bytes = kMaxFieldsBytes;
  http_->Send(std::move(request),
              [this, generation = credentials_.generation, keys = Keys(),
               done = std::move(done)](http::HttpReply reply) mutable {
                HideKeys(keys, reply.body);
                dispatch::CallReport report = ReadOtherReply(reply);
                HideKeys(keys, report);
                Deliver(generation, std::move(report),
                        [body = std::move(reply.body), done = std::move(done)](
                            dispatch::CallReport judged) mutable {
                          std::move(done)(std::move(judged), std::move(body));
                        });
              });
}

}  // namespace leadgateway::leadsquared
