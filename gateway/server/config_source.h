#ifndef LEADGATEWAY_GATEWAY_SERVER_CONFIG_SOURCE_H_
#define LEADGATEWAY_GATEWAY_SERVER_CONFIG_SOURCE_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gateway/base/file_print.h"

namespace leadgateway::server {

// Tells when a file has become another one, however that is done: written in
// place, replaced by rename, or behind a link that leads elsewhere now (a
// ConfigMap's "..data"). It is told once the file has not changed for kSettle:
// some editors let half of it be seen. Reads no clock. Not thread-safe.
class ConfigSource {
 public:
  explicit ConfigSource(std::string path) : path_(std::move(path)) {}

  // Whether the file is another one than when it was taken last, or was never
  // taken, and has settled. True until it is taken.
  bool Check(absl::Time now);

  // It is about to be read: as it is now, it is known.
  void Take();

  // Whether it is as it was when it was taken: what was read is whole.
  bool Unchanged() const { return PrintOfFile(path_) == taken_; }

  static constexpr absl::Duration kSettle = absl::Seconds(1);

 private:
  const std::string path_;
  std::optional<FilePrint> taken_;
  FilePrint seen_;
  absl::Time seen_since_ = absl::InfiniteFuture();
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_CONFIG_SOURCE_H_
