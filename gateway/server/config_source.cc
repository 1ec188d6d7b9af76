#include "gateway/server/config_source.h"

#include "absl/time/time.h"
#include "gateway/base/file_print.h"

namespace leadgateway::server {

bool ConfigSource::Check(absl::Time now) {
  const FilePrint print = PrintOfFile(path_);
  if (!(print == seen_) || seen_since_ == absl::InfiniteFuture()) {
    seen_ = print;
    seen_since_ = now;
  }
  return !(print == taken_) && now - seen_since_ >= kSettle;
}

void ConfigSource::Take() { taken_ = PrintOfFile(path_); }

}  // namespace leadgateway::server
