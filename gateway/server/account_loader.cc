#include "gateway/server/account_loader.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/credentials/key_source.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/server/catalogue_loader.h"
#include "gateway/server/catalogue_store.h"

namespace leadgateway::server {
namespace {

// Null if there is none that can be read.
std::shared_ptr<const schema::FieldCatalogue> SavedCatalogue(
    const CatalogueStore& store, const AccountOptions& account) {
  absl::StatusOr<std::shared_ptr<const schema::FieldCatalogue>> saved =
      store.Load(account.name, account.unique_fields);
  if (!saved.ok()) {
    if (!absl::IsNotFound(saved.status())) {
      LogLine(LogLevel::kWarn, "saved_fields_not_read")
          .Add("account", account.name)
          .Add("text", saved.status().message());
    }
    return nullptr;
  }
  LogLine(LogLevel::kInfo, "saved_fields_read")
      .Add("account", account.name)
      .Add("fields", (*saved)->fields().size());
  return *std::move(saved);
}

// Null if there is none.
const AccountOptions* FindAccount(const std::vector<AccountOptions>& accounts,
                                  const std::string& name) {
  const auto it = std::find_if(
      accounts.begin(), accounts.end(),
      [&](const AccountOptions& account) { return account.name == name; });
  return it == accounts.end() ? nullptr : &*it;
}

bool SameKeyPlaces(const AccountOptions& a, const AccountOptions& b) {
  return a.access_key_file == b.access_key_file &&
         a.access_key_env == b.access_key_env &&
         a.secret_key_file == b.secret_key_file &&
         a.secret_key_env == b.secret_key_env;
}

}  // namespace

absl::StatusOr<std::vector<LoadedAccount>> LoadAccounts(
    const std::vector<AccountOptions>& accounts, const CatalogueStore* store,
    const std::vector<AccountOptions>& running) {
  std::vector<std::string> mistakes;
  std::vector<LoadedAccount> loaded;
  for (size_t i = 0; i < accounts.size(); ++i) {
    const AccountOptions& account = accounts[i];
    LoadedAccount& each = loaded.emplace_back(
        LoadedAccount{account,
                      leadsquared::KeySource(
                          {account.access_key_file, account.access_key_env},
                          {account.secret_key_file, account.secret_key_env}),
                      std::nullopt, nullptr});
    const AccountOptions* const before = FindAccount(running, account.name);
    if (!account.metadata_file.empty()) {
      absl::StatusOr<std::shared_ptr<const schema::FieldCatalogue>> saved =
          LoadCatalogue(account.metadata_file, account.unique_fields);
      if (saved.ok()) {
        each.saved_fields = *std::move(saved);
      } else {
        mistakes.push_back(absl::StrCat(
            "accounts[", i, "].metadataFile: ", saved.status().message()));
      }
    } else if (store != nullptr && account.schema_checks && before == nullptr) {
      each.saved_fields = SavedCatalogue(*store, account);
    }
    if (before != nullptr && SameKeyPlaces(*before, account)) continue;
    absl::StatusOr<leadsquared::Credentials> keys = each.keys.Load();
    if (keys.ok()) {
      each.credentials = *std::move(keys);
    } else {
      mistakes.push_back(
          absl::StrCat("accounts[", i, "]: ", keys.status().message()));
    }
  }
  if (!mistakes.empty()) {
    return absl::FailedPreconditionError(absl::StrJoin(mistakes, "\n"));
  }
  return loaded;
}

void LogKeyWarnings(const std::vector<LoadedAccount>& accounts) {
  for (const LoadedAccount& account : accounts) {
    if (!account.credentials) continue;
    for (const std::string& warning : account.credentials->warnings) {
      LogLine(LogLevel::kWarn, "key_file")
          .Add("account", account.options.name)
          .Add("message", warning);
    }
  }
}

}  // namespace leadgateway::server
