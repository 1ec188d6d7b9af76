#ifndef LEADGATEWAY_GATEWAY_SERVER_CATALOGUE_STORE_H_
#define LEADGATEWAY_GATEWAY_SERVER_CATALOGUE_STORE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/mutex.h"
#include "gateway/schema/field_catalogue.h"

namespace leadgateway::server {

// The accounts' fields on disk, so that a restart serves at once: in a
// directory, for each account a file ACCOUNT.fields.json with LeadSquared's own
// JSON, which can serve as `metadataFile`, too. The time of the file is that of
// the answer. Any thread.
class CatalogueStore {
 public:
  // Makes the directory if there is none; kFailedPrecondition if it can't be
  // written to.
  static absl::StatusOr<std::unique_ptr<CatalogueStore>> Create(
      std::string directory);
  // Writes what is still to be written first.
  ~CatalogueStore();
  CatalogueStore(const CatalogueStore&) = delete;
  CatalogueStore& operator=(const CatalogueStore&) = delete;

  // What was saved; kNotFound if nothing was, another error if the file is no
  // field list: then it is as good as none.
  absl::StatusOr<std::shared_ptr<const schema::FieldCatalogue>> Load(
      absl::string_view account,
      const std::vector<std::string>& unique_fields) const;

  // Saves an answer that was read without an error, on a thread of its own: a
  // slow disk stops nobody. The file is replaced as a whole or not at all. What
  // goes wrong is logged.
  void Save(absl::string_view account, std::string json, absl::Time fetched_at);

 private:
  struct Answer {
    std::string json;
    absl::Time fetched_at;
  };

  explicit CatalogueStore(std::string directory);
  std::string FileOf(absl::string_view account) const;
  void Run();
  void Write(const std::string& account, const Answer& answer);

  const std::string directory_;
  // Hashes of what this process has written; the thread's.
  std::map<std::string, size_t> written_;

  Mutex mutex_;
  CondVar changed_;
  // By account; a newer answer takes the place of one that is not written yet.
  std::map<std::string, Answer> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_CATALOGUE_STORE_H_
