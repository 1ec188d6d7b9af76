#ifndef LEADGATEWAY_GATEWAY_LEADSQUARED_CREDENTIALS_KEY_SOURCE_H_
#define LEADGATEWAY_GATEWAY_LEADSQUARED_CREDENTIALS_KEY_SOURCE_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/file_print.h"
#include "gateway/leadsquared/credentials/credentials.h"

namespace leadgateway::leadsquared {

// One account's keys, watched: tells when a new pair is there, and never hands
// out one that is half old and half new, as far as files can tell:
//
// - Where both files lie in one directory and that directory is replaced as a
//   whole (a Kubernetes secret's "..data" link), the new pair is taken at once.
// - Otherwise the pair is taken when neither file has changed for kSettle, and
//   if only one of them has changed, for kSettleOfOne.
// - A file that changes while the pair is read makes it read again.
//
// Keys from environment variables never change. Reads no clock. Not
// thread-safe.
class KeySource {
 public:
  KeySource(KeyPlace access_key, KeyPlace secret_key)
      : access_key_(std::move(access_key)),
        secret_key_(std::move(secret_key)) {}

  // Reads the pair for the first time: generation 1. Fails as LoadCredentials
  // does, or with kAborted if the files keep changing.
  absl::StatusOr<Credentials> Load();

  struct Look {
    // The new pair; its generation is one more than the last one's.
    std::optional<Credentials> fresh;
    // Both files are changing: a new pair is to be expected within kSettle.
    bool pending = false;
    // Something to tell, once: why the new files can't be used yet.
    absl::Status problem;
  };
  // Looks at the files again. After Load.
  Look Check(absl::Time now);

  static constexpr absl::Duration kSettle = absl::Seconds(1);
  // Longer than anybody takes to write the second file. After that the change
  // of one key alone is believed.
  static constexpr absl::Duration kSettleOfOne = absl::Seconds(30);

 private:
  struct Prints {
    FilePrint access_key;
    FilePrint secret_key;

    friend bool operator==(const Prints&, const Prints&) = default;
  };
  Prints PrintsNow() const;
  // The directory in which both files are in the end; "" if they are in two.
  std::string Directory() const;

  const KeyPlace access_key_;
  const KeyPlace secret_key_;
  Credentials last_;
  Prints taken_;           // of the pair that was handed out last
  std::string directory_;  // where that was
  Prints seen_;            // by the last Check
  absl::Time seen_since_ = absl::InfinitePast();
  std::string told_;  // the last problem
};

}  // namespace leadgateway::leadsquared

#endif  // LEADGATEWAY_GATEWAY_LEADSQUARED_CREDENTIALS_KEY_SOURCE_H_
