#include "tests/simulation/leadsquared_model.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "sandbox/allowance.h"
#include "sandbox/behaviour.h"
#include "sandbox/credentials.h"
#include "sandbox/field_catalogue.h"
#include "sandbox/key_text.h"
#include "sandbox/lead_store.h"
#include "sandbox/lead_updater.h"
#include "sandbox/update_request.h"
#include "sandbox/wire_answers.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/weather.h"
#include "tests/simulation/world_log.h"

namespace leadgateway::simulation {
namespace {

constexpr size_t kMostLeads = 25;
constexpr absl::string_view kToken = "FirstName";

sandbox::FieldCatalogue Catalogue(bool with_gone) {
  sandbox::FieldCatalogue catalogue;
  const auto add = [&](absl::string_view name, absl::string_view type,
                       bool unique) {
    sandbox::Field field;
    field.schema_name = std::string(name);
    field.display_name = std::string(name);
    field.data_type = std::string(type);
    field.is_unique = unique;
    (void)catalogue.Add(std::move(field));
  };
  add("ProspectID", "Text", true);
  add("EmailAddress", "Email", true);
  add("Phone", "Phone", true);
  add("mx_Customer_ID", "Text", true);
  add("FirstName", "Text", false);
  add("LastName", "Text", false);
  add("mx_City", "Text", false);
  if (with_gone) add(LeadSquaredModel::kGoneField, "Text", false);
  return catalogue;
}

std::string TokenOf(const std::vector<sandbox::UpdateField>& fields) {
  for (const sandbox::UpdateField& field : fields) {
    if (field.attribute == kToken) return field.value;
  }
  return "";
}

sandbox::Behaviour BehaviourOf(const Manners& manners) {
  sandbox::Behaviour behaviour;
  behaviour.poison_value = std::string(LeadSquaredModel::kPoison);
  behaviour.unknown_attribute = manners.unknown_fails_call
                                    ? sandbox::UnknownAttribute::kFailCall500
                                    : sandbox::UnknownAttribute::kFailLead;
  behaviour.echo_trimmed = manners.echo == Manners::Echo::kTrimmed;
  behaviour.echo_lower = manners.echo == Manners::Echo::kLower;
  behaviour.echo_upper = manners.echo == Manners::Echo::kUpper;
  behaviour.echo_digits = manners.echo == Manners::Echo::kDigits;
  behaviour.echo_padded = manners.echo == Manners::Echo::kPadded;
  behaviour.answer_prospect_id = manners.prospect_id;
  return behaviour;
}

}  // namespace

std::string LeadSquaredModel::EmailOf(int person) {
  return absl::StrCat("person", person, "@example.com");
}
std::string LeadSquaredModel::PhoneOf(int person) {
  return absl::StrFormat("+91-90000%05d", person);
}
std::string LeadSquaredModel::ProspectIdOf(int person) {
  return absl::StrFormat("a0b1c2d3-0000-4000-a000-%012x", person);
}
std::string LeadSquaredModel::CustomerIdOf(int person) {
  return absl::StrFormat("C%06d", person);
}

LeadSquaredModel::LeadSquaredModel(Options options, Dice* dice, WorldLog* log,
                                   Find find)
    : options_(std::move(options)),
      dice_(dice),
      log_(log),
      find_(std::move(find)),
      shown_(Catalogue(true)),
      known_(Catalogue(false)),
      store_(known_),
      keys_({options_.keys}),
      judge_({.calls = options_.limit_calls, .window = options_.limit_window}) {
  for (const int person : options_.people) {
    (void)store_.Add({{"ProspectID", ProspectIdOf(person)},
                      {"EmailAddress", EmailOf(person)},
                      {"Phone", PhoneOf(person)},
                      {"mx_Customer_ID", CustomerIdOf(person)}});
  }
}

sandbox::KeyPair LeadSquaredModel::KeysOf(int account, int n) {
  return {.label = absl::StrCat(account, ".", n),
          .access_key = absl::StrFormat("u$r%016x%016x", account, n),
          .secret_key = absl::StrFormat("%020x%020x", account, n)};
}

LeadSquaredModel::Request LeadSquaredModel::Read(
    absl::string_view url, const std::vector<std::string>& headers,
    absl::string_view body, CallFact* fact) {
  Request request;
  const auto header = [&headers](absl::string_view name) {
    for (absl::string_view line : headers) {
      if (absl::ConsumePrefix(&line, name)) return std::string(line);
    }
    return std::string();
  };
  request.access_key = header("x-LSQ-AccessKey: ");
  request.secret_key = header("x-LSQ-SecretKey: ");
  const size_t query = url.find('?');
  if (query != absl::string_view::npos) {
    request.query = std::string(url.substr(query + 1));
  }
  fact->account = options_.account;
  const std::string own = absl::StrFormat("%016x", options_.account);
  fact->foreign_keys = !absl::StrContains(request.access_key, own) &&
                       !absl::StrContains(request.query, own);
  request.update = absl::StrContains(url, "/Lead/Bulk/UpdateV2");
  fact->update = request.update;
  if (!request.update) return request;
  auto parsed = sandbox::ParseUpdateRequest(body, kMostLeads);
  if (!parsed.ok()) {
    fact->what = std::string(parsed.status().message());
    return request;
  }
  for (const sandbox::UpdateLead& lead : parsed->leads) {
    const auto whose = find_(TokenOf(lead.fields)).value_or(std::pair(-1, -1));
    fact->leads.push_back({.rpc = whose.first, .index = whose.second});
  }
  request.leads = *std::move(parsed);
  return request;
}

LeadSquaredModel::Answer LeadSquaredModel::Throttle() {
  Answer answer;
  static constexpr int kStatuses[] = {429, 403, 200};
  answer.status = kStatuses[dice_->Roll(3)];
  int64_t calls = options_.limit_calls;
  // Nonsense is seen, too.
  if (dice_->Chance(0.05)) calls = dice_->Between(-1, 100);
  answer.body =
      sandbox::ErrorJson("MXAPIRateLimitExceededException",
                         sandbox::RateLimitMessage(static_cast<int>(calls),
                                                   options_.limit_window));
  if (dice_->Chance(0.2)) {
    answer.retry_after = absl::Seconds(dice_->Between(0, 8));
  }
  return answer;
}

LeadSquaredModel::Answer LeadSquaredModel::Handle(const Request& request,
                                                  const Fate& fate,
                                                  absl::Time now, int call) {
  CallFact& fact = log_->calls[static_cast<size_t>(call)];
  fact.counted = now;
  Answer answer;
  switch (fate.answer) {
    case Fate::Answer::kUnavailable:
      fact.what = "a proxy's error";
      answer.status = dice_->Chance(0.5) ? 502 : 503;
      answer.body = "<html><body>Service Unavailable</body></html>";
      return answer;
    case Fate::Answer::kUnauthorized:
      fact.what = "401";
      answer.status = 401;
      answer.body = sandbox::ErrorJson("MXUnauthorizedException",
                                       "Invalid AccessKey or SecretKey");
      return answer;
    case Fate::Answer::kThrottled:
      fact.what = "throttled by a storm";
      return Throttle();
    default:
      break;
  }
  if (!keys_.Check(request.access_key, request.secret_key, request.query)
           .accepted) {
    fact.what = "401 for its keys";
    answer.status = 401;
    answer.body = sandbox::ErrorJson("MXUnauthorizedException",
                                     "Invalid AccessKey or SecretKey");
    return answer;
  }
  if (!judge_.Count(now)) {
    fact.what = "throttled";
    return Throttle();
  }
  if (!request.update) {
    fact.what = "fields";
    answer.body = shown_.MetadataJson("", false, true);
  } else if (!request.leads) {
    fact.what = "400";
    answer.status = 400;
    answer.body = sandbox::ErrorJson("MXInvalidInputException", "Invalid JSON");
    return answer;
  } else if (fate.answer == Fate::Answer::kRefused) {
    fact.what = "refused at random";
    fact.read = true;
    fact.refused = true;
    answer.status = dice_->Chance(0.5) ? 500 : 400;
    answer.body = sandbox::ErrorJson("MXInvalidInputException",
                                     "Invalid input parameters");
    return answer;
  } else {
    const bool applies =
        fate.answer != Fate::Answer::kForeignError || fate.applies;
    answer = Update(*request.leads, fate, now, call, applies);
  }
  switch (fate.answer) {
    case Fate::Answer::kForeignError:
      absl::StrAppend(&fact.what, ", then a foreign error");
      answer.status = 500;
      answer.body = sandbox::ErrorJson("SqlTimeoutException",
                                       "Execution Timeout Expired");
      break;
    case Fate::Answer::kGatewayPage:
      absl::StrAppend(&fact.what, ", then a page");
      answer.status = dice_->Chance(0.5) ? 504 : 200;
      answer.body = "<html><body>Gateway Timeout</body></html>";
      break;
    case Fate::Answer::kEmpty:
      absl::StrAppend(&fact.what, ", then nothing");
      answer.body.clear();
      break;
    default:
      break;
  }
  return answer;
}

LeadSquaredModel::Answer LeadSquaredModel::Update(
    const sandbox::UpdateRequest& request, const Fate&, absl::Time now,
    int call, bool applies) {
  const Manners& manners = options_.manners;
  CallFact& fact = log_->calls[static_cast<size_t>(call)];
  fact.read = true;

  // Leads that it passes over without a word.
  sandbox::UpdateRequest looked_at;
  looked_at.search_key = request.search_key;
  looked_at.push_non_existent = request.push_non_existent;
  std::vector<size_t> places;
  for (size_t i = 0; i < request.leads.size(); ++i) {
    if (manners.skips > 0 && dice_->Chance(manners.skips)) continue;
    looked_at.leads.push_back(request.leads[i]);
    places.push_back(i);
  }
  const sandbox::Behaviour behaviour = BehaviourOf(manners);
  const sandbox::UpdateResult result = sandbox::UpdateLeads(
      looked_at, behaviour, 0, 0, applies, known_, store_,
      [&](sandbox::LeadStore::LeadId lead, size_t index,
          const std::vector<sandbox::UpdateField>& fields) {
        const CarriedFact& carried = fact.leads[places[index]];
        log_->writes.push_back({.at = now,
                                .call = call,
                                .rpc = carried.rpc,
                                .index = carried.index,
                                .person = options_.people[lead],
                                .token = TokenOf(fields)});
      });
  Answer answer;
  answer.status = result.status;
  if (result.status != 200) {
    fact.what = "refused";
    fact.refused = true;
    answer.body = result.body;
    return answer;
  }
  fact.what = applies ? "applied" : "not applied";

  const bool by_prospect_id =
      sandbox::CanonicalAttribute(result.identifier) == "ProspectID";
  const std::string identifier =
      by_prospect_id ? manners.prospect_id : result.identifier;
  const sandbox::Field* const key_field = known_.Find(result.identifier);
  const sandbox::KeyKind kind =
      key_field == nullptr
          ? sandbox::KeyKind::kText
          : sandbox::KeyKindOf(result.identifier, key_field->data_type);
  sandbox::UpdateAnswer said;
  said.total = static_cast<int>(looked_at.leads.size());
  int unprocessed = 0;
  for (size_t i = 0; i < result.leads.size(); ++i) {
    const sandbox::RequestLead& lead = result.leads[i];
    CarriedFact& carried = fact.leads[places[i]];
    sandbox::LeadLine line{
        identifier, sandbox::EchoValue(lead.key_value, kind, behaviour), ""};
    const bool omitted = manners.omits > 0 && dice_->Chance(manners.omits);
    const bool twice =
        manners.contradicts > 0 && dice_->Chance(manners.contradicts);
    switch (lead.fate) {
      case sandbox::LeadFate::kSuccess:
        ++said.success;
        if (omitted) break;
        carried.told_updated = true;
        said.successful_leads.push_back(line);
        if (twice) {
          carried.told_failed = true;
          line.reason = "Error";
          said.failed_leads.push_back(line);
        }
        break;
      case sandbox::LeadFate::kFailed:
      case sandbox::LeadFate::kUntouched:
        ++said.failure;
        if (omitted) break;
        carried.told_failed = true;
        line.reason = !store_.Find(result.identifier,
                                   sandbox::NormaliseKey(kind, lead.key_value))
                          ? std::string(sandbox::kReasonNotFound)
                          : std::string(sandbox::kReasonUnknownField);
        said.failed_leads.push_back(line);
        break;
      case sandbox::LeadFate::kUnprocessed:
        ++unprocessed;
        if (omitted) break;
        carried.told_unprocessed = true;
        line.reason = std::string(sandbox::kReasonNotFound);
        said.unprocessed_leads.push_back(line);
        break;
    }
  }
  if (manners.strangers > 0 && dice_->Chance(manners.strangers)) {
    said.successful_leads.push_back({identifier, "stranger@example.org", ""});
    ++said.success;
  }
  if (request.push_non_existent) said.unprocessed = unprocessed;
  if (manners.wrong_counts > 0 && dice_->Chance(manners.wrong_counts)) {
    said.success += dice_->Between(-3, 3);
    said.total += dice_->Between(-3, 3);
  }
  said.message = said.success > 0 ? "Processed" : "Error";
  if (manners.shuffle) {
    for (auto* const list : {&said.successful_leads, &said.failed_leads,
                             &said.unprocessed_leads}) {
      for (size_t i = list->size(); i > 1; --i) {
        std::swap(
            (*list)[i - 1],
            (*list)[static_cast<size_t>(dice_->Roll(static_cast<int>(i)))]);
      }
    }
  }
  answer.body = sandbox::UpdateAnswerJson(said);
  return answer;
}

}  // namespace leadgateway::simulation
