#include "gateway/leadsquared/result_join.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/dispatch/upstream.h"
#include "gateway/model/folded_text.h"
#include "gateway/model/lead.h"

namespace leadgateway::leadsquared {
namespace {

using Kind = dispatch::LeadVerdict::Kind;

// "+91-9988776655" -> "919988776655"; "" for what is no phone number.
std::string PhoneDigits(absl::string_view value) {
  std::string digits;
  for (const char c : value) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      digits += c;
    } else if (!absl::StrContains("+-() ./", absl::string_view(&c, 1))) {
      return "";
    }
  }
  // ITU-T E.164: at most 15 digits; fewer than 7 is no subscriber's number.
  return digits.size() >= 7 && digits.size() <= 15 ? digits : "";
}

// Without any white space: the API's page shows "johnwick @gmail.com".
std::string Squeezed(std::string value) {
  std::erase_if(value, [](unsigned char c) { return absl::ascii_isspace(c); });
  return Folded(value);
}

// Leads by one form of their key; kSeveral where it is not unique.
class Index {
 public:
  static constexpr int kSeveral = -1;

  void Add(std::string form, int lead) {
    if (form.empty()) return;
    const auto [it, fresh] = leads_.try_emplace(std::move(form), lead);
    if (!fresh && it->second != lead) it->second = kSeveral;
  }
  std::optional<int> Find(const std::string& form) const {
    const auto it = leads_.find(form);
    if (form.empty() || it == leads_.end()) return std::nullopt;
    return it->second;
  }

 private:
  absl::flat_hash_map<std::string, int> leads_;
};

bool SameIdentifier(absl::string_view sent, absl::string_view answered) {
  // Metadata and answers spell ProspectId as ProspectID. An absent name says
  // nothing against the lead.
  return answered.empty() || absl::EqualsIgnoreCase(sent, answered);
}

// The vendor's one sentence for leads that are not there; see the API's page.
bool SaysNotFound(absl::string_view reason) {
  return absl::StartsWithIgnoreCase(absl::StripLeadingAsciiWhitespace(reason),
                                    "Lead does not exist");
}

}  // namespace

JoinedAnswer JoinAnswer(absl::Span<const LeadUpdate* const> leads,
                        const UpdateAnswer& answer) {
  Index exact;
  Index folded;
  Index digits;
  Index squeezed;
  for (size_t i = 0; i < leads.size(); ++i) {
    const std::string& value = leads[i]->key().value;
    exact.Add(value, static_cast<int>(i));
    folded.Add(Folded(value), static_cast<int>(i));
    digits.Add(PhoneDigits(value), static_cast<int>(i));
    squeezed.Add(Squeezed(value), static_cast<int>(i));
  }

  JoinedAnswer joined;
  joined.leads.resize(leads.size());
  std::vector<bool> named(leads.size(), false);
  std::vector<bool> contradicted(leads.size(), false);
  const auto join = [&](const std::vector<AnswerEntry>& entries, auto kind_of) {
    for (const AnswerEntry& entry : entries) {
      std::optional<int> lead = exact.Find(entry.value);
      if (!lead) lead = folded.Find(Folded(entry.value));
      if (!lead) lead = digits.Find(PhoneDigits(entry.value));
      if (!lead) lead = squeezed.Find(Squeezed(entry.value));
      if (!lead || *lead == Index::kSeveral ||
          !SameIdentifier(leads[static_cast<size_t>(*lead)]->key().attribute,
                          entry.identifier)) {
        ++joined.strangers;
        continue;
      }
      const auto position = static_cast<size_t>(*lead);
      dispatch::LeadVerdict& verdict = joined.leads[position];
      const Kind kind = kind_of(entry);
      if (!named[position]) {
        named[position] = true;
        verdict = {kind, entry.reason};
      } else if ((verdict.kind == Kind::kUpdated) != (kind == Kind::kUpdated)) {
        contradicted[position] = true;
      } else if (verdict.kind != kind) {
        // Refused for two reasons; the last list, of failures, says why.
        verdict = {Kind::kRejected, entry.reason};
      }
    }
  };
  join(answer.successful_leads,
       [](const AnswerEntry&) { return Kind::kUpdated; });
  join(answer.unprocessed_leads,
       [](const AnswerEntry&) { return Kind::kNotFound; });
  join(answer.failed_leads, [](const AnswerEntry& entry) {
    return SaysNotFound(entry.reason) ? Kind::kNotFound : Kind::kRejected;
  });
  for (size_t i = 0; i < leads.size(); ++i) {
    if (!contradicted[i]) continue;
    joined.leads[i] = {Kind::kUntold,
                       "the answer lists the lead as updated and as refused"};
  }

  const auto differs = [](std::optional<int64_t> count, size_t listed) {
    return count && *count != static_cast<int64_t>(listed);
  };
  joined.counts_differ =
      differs(answer.succeeded, answer.successful_leads.size()) ||
      differs(answer.failed, answer.failed_leads.size()) ||
      differs(answer.unprocessed, answer.unprocessed_leads.size()) ||
      differs(answer.total, leads.size()) || answer.odd_counts;
  return joined;
}

}  // namespace leadgateway::leadsquared
