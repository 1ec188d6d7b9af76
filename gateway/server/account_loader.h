#ifndef LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_LOADER_H_
#define LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_LOADER_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/config/config.h"
#include "gateway/leadsquared/credentials/credentials.h"
#include "gateway/leadsquared/credentials/key_source.h"
#include "gateway/schema/field_catalogue.h"
#include "gateway/server/catalogue_store.h"

namespace leadgateway::server {

// An account of the configuration, with what its files hold.
struct LoadedAccount {
  AccountOptions options;
  leadsquared::KeySource keys;
  // As `keys` has read them; none where they were not to be read.
  std::optional<leadsquared::Credentials> credentials;
  // Null if there are none.
  std::shared_ptr<const schema::FieldCatalogue> saved_fields;
};

// Reads the accounts' keys, and their fields where some are saved: in
// `metadata_file`, else in `store` (null: no state directory).
// kFailedPrecondition with one line per mistake if a key or a `metadata_file`
// can't be read. Reads files, so not for the loop thread.
//
// Accounts that are among `running` have keys and fields: their keys are read
// only if they are in another place now, since whoever watches a place knows
// when the two keys in it belong together, and their saved fields only from a
// `metadata_file`.
absl::StatusOr<std::vector<LoadedAccount>> LoadAccounts(
    const std::vector<AccountOptions>& accounts, const CatalogueStore* store,
    const std::vector<AccountOptions>& running = {});

// Logs what the operator should know of the key files.
void LogKeyWarnings(const std::vector<LoadedAccount>& accounts);

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_ACCOUNT_LOADER_H_
