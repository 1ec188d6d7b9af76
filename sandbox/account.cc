#include "sandbox/account.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "sandbox/lead_loader.h"

namespace leadgateway::sandbox {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void Text(Writer& writer, absl::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

bool SameAllowance(const Allowance& a, const Allowance& b) {
  return a.calls == b.calls && a.window == b.window && a.kind == b.kind &&
         a.refused_count == b.refused_count &&
         a.other_calls_per_second == b.other_calls_per_second;
}

}  // namespace

Account::Account(AccountOptions options)
    : options_(std::move(options)),
      start_(absl::Now()),
      steady_start_(std::chrono::steady_clock::now()),
      fields_(options_.fields),
      store_(fields_),
      keys_(options_.keys),
      judge_(options_.allowance),
      peak_(options_.allowance.window),
      peak_with_others_(options_.allowance.window),
      others_(options_.seed, options_.allowance.other_calls_per_second, start_),
      log_(options_.record_limit) {
  scenario_.seed = options_.seed;
  scenario_.allowance = options_.allowance;
  scenario_.always = std::make_shared<Behaviour>(options_.always);
}

absl::StatusOr<std::unique_ptr<Account>> Account::Create(
    AccountOptions options) {
  if (options.allowance.calls < 1 ||
      options.allowance.window < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError(
        "The allowance must be at least 1 call in at least 1 ms");
  }
  if (options.always.latency_min < absl::ZeroDuration() ||
      options.always.latency_max < options.always.latency_min) {
    return absl::InvalidArgumentError(
        "The greatest latency must not be below the least");
  }
  auto account = absl::WrapUnique(new Account(std::move(options)));
  MutexLock lock(account->mutex_);
  const AccountOptions& given = account->options_;
  absl::Status status =
      account->store_.Generate(given.generate_leads, given.seed);
  if (!status.ok()) return status;
  for (const std::string& file : given.lead_files) {
    status =
        LoadLeadsFromFile(file, account->fields_, account->store_).status();
    if (!status.ok()) return status;
  }
  if (!given.faults_json.empty()) {
    absl::StatusOr<Scenario> scenario =
        account->scenario_.With(given.faults_json);
    if (!scenario.ok()) return scenario.status();
    account->AdoptScenario(*std::move(scenario));
  }
  return account;
}

absl::Time Account::Now() const {
  return start_ +
         absl::FromChrono(std::chrono::steady_clock::now() - steady_start_);
}

void Account::RestartAllowance() {
  const Allowance& allowance = scenario_.allowance;
  judge_ = WindowJudge(allowance);
  peak_ = WindowPeak(allowance.window);
  peak_with_others_ = WindowPeak(allowance.window);
  others_ = OtherUsers(scenario_.seed, allowance.other_calls_per_second, Now());
}

void Account::AdoptScenario(Scenario next) {
  const bool same = SameAllowance(scenario_.allowance, next.allowance);
  scenario_ = std::move(next);
  if (!same) RestartAllowance();
}

bool Account::WithinAllowance(absl::Time now) {
  CallStats& stats = log_.stats();
  while (std::optional<absl::Time> other = others_.NextUntil(now)) {
    judge_.Count(*other);
    peak_with_others_.Count(*other);
    ++stats.other_users_calls;
  }
  peak_.Count(now);
  peak_with_others_.Count(now);
  stats.max_calls_in_window = peak_.peak();
  stats.max_calls_in_window_with_others = peak_with_others_.peak();
  return judge_.Count(now);
}

void Account::ConnectionOpened() {
  MutexLock lock(mutex_);
  ++connections_accepted_;
  ++connections_open_;
}

void Account::ConnectionClosed() {
  MutexLock lock(mutex_);
  --connections_open_;
}

absl::Status Account::SetFaults(absl::string_view json) {
  MutexLock lock(mutex_);
  absl::StatusOr<Scenario> next = scenario_.With(json);
  if (!next.ok()) return next.status();
  AdoptScenario(*std::move(next));
  return absl::OkStatus();
}

void Account::ClearFaults() {
  MutexLock lock(mutex_);
  Scenario next;
  next.seed = options_.seed;
  next.allowance = options_.allowance;
  next.always = std::make_shared<Behaviour>(options_.always);
  AdoptScenario(std::move(next));
}

std::string Account::FaultsJson() const {
  MutexLock lock(mutex_);
  return scenario_.ToJson();
}

absl::Status Account::AddField(Field field) {
  MutexLock lock(mutex_);
  if (field.is_unique && fields_.Find(field.schema_name) == nullptr) {
    // First the index: it refuses values that are not unique.
    absl::Status status = store_.AddKeyField(
        field.schema_name, KeyKindOf(field.schema_name, field.data_type));
    if (!status.ok()) return status;
  }
  return fields_.Add(std::move(field));
}

absl::Status Account::RemoveField(absl::string_view name) {
  MutexLock lock(mutex_);
  absl::Status status = fields_.Remove(name);
  if (status.ok()) store_.RemoveKeyField(name);
  return status;
}

std::vector<Field> Account::Fields() const {
  MutexLock lock(mutex_);
  return fields_.fields();
}

void Account::AcceptKeys(std::vector<KeyPair> pairs) {
  MutexLock lock(mutex_);
  keys_ = KeyRing(std::move(pairs));
}

absl::StatusOr<size_t> Account::LoadLeadsFromText(absl::string_view text) {
  MutexLock lock(mutex_);
  return LoadLeads(text, fields_, store_);
}

absl::Status Account::AddLead(
    const std::vector<LeadStore::NamedValue>& fields) {
  MutexLock lock(mutex_);
  return store_.Add(fields).status();
}

absl::Status Account::SetLead(
    absl::string_view key, absl::string_view value,
    const std::vector<LeadStore::NamedValue>& fields) {
  MutexLock lock(mutex_);
  const std::optional<LeadStore::LeadId> lead = store_.Find(key, value);
  if (!lead.has_value()) return absl::NotFoundError("No such lead");
  if (std::optional<std::string> taken = store_.Conflict(*lead, fields)) {
    return absl::AlreadyExistsError(
        absl::StrCat("Another lead holds the same ", *taken));
  }
  store_.Set(*lead, fields);
  return absl::OkStatus();
}

std::optional<std::vector<LeadStore::NamedValue>> Account::FindLead(
    absl::string_view key, absl::string_view value) const {
  MutexLock lock(mutex_);
  const std::optional<LeadStore::LeadId> lead = store_.Find(key, value);
  if (!lead.has_value()) return std::nullopt;
  return store_.Fields(*lead);
}

std::vector<AppliedUpdate> Account::History(absl::string_view key,
                                            absl::string_view value) const {
  MutexLock lock(mutex_);
  const std::optional<LeadStore::LeadId> lead = store_.Find(key, value);
  if (!lead.has_value()) return {};
  auto it = history_.find(*lead);
  return it == history_.end() ? std::vector<AppliedUpdate>() : it->second;
}

std::string Account::HistoryJson() const {
  MutexLock lock(mutex_);
  std::string lines;
  for (const auto& [lead, updates] : history_) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    writer.Key("lead");
    Text(writer, store_.Value(lead, "ProspectID"));
    writer.Key("applied");
    writer.StartArray();
    for (const AppliedUpdate& update : updates) {
      writer.StartObject();
      writer.Key("call");
      writer.Uint64(update.call);
      writer.Key("index");
      writer.Uint(update.index);
      writer.Key("at_us");
      writer.Int64(absl::ToUnixMicros(update.at));
      writer.Key("value");
      Text(writer, update.value);
      writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
    absl::StrAppend(
        &lines, absl::string_view(buffer.GetString(), buffer.GetSize()), "\n");
  }
  return lines;
}

std::vector<CallRecord> Account::Record(std::uint64_t from,
                                        size_t limit) const {
  MutexLock lock(mutex_);
  return log_.From(from, limit);
}

CallStats Account::Stats() const {
  MutexLock lock(mutex_);
  CallStats stats = log_.stats();
  stats.connections_accepted = connections_accepted_;
  stats.connections_open = connections_open_;
  stats.leads_held = store_.size();
  return stats;
}

void Account::Reset() {
  MutexLock lock(mutex_);
  log_.Clear();
  history_.clear();
  for (Rule& rule : scenario_.rules) rule.fired = 0;
  RestartAllowance();
}

}  // namespace leadgateway::sandbox
