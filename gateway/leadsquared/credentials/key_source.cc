#include "gateway/leadsquared/credentials/key_source.h"

#include <stdlib.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/file_print.h"
#include "gateway/leadsquared/credentials/credentials.h"

namespace leadgateway::leadsquared {
namespace {

// A pair that was written while it was read is read again this often.
constexpr int kReadings = 5;

// The directory of the file that `path` leads to, through all links.
std::string DirectoryOf(const std::string& path) {
  char* const real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return "";
  const std::string whole = real;
  free(real);
  return whole.substr(0, whole.rfind('/'));
}

}  // namespace

KeySource::Prints KeySource::PrintsNow() const {
  const auto print = [](const KeyPlace& place) {
    return place.file.empty() ? FilePrint() : PrintOfFile(place.file);
  };
  return {print(access_key_), print(secret_key_)};
}

std::string KeySource::Directory() const {
  if (access_key_.file.empty() || secret_key_.file.empty()) return "";
  std::string directory = DirectoryOf(access_key_.file);
  return directory == DirectoryOf(secret_key_.file) ? directory : "";
}

absl::StatusOr<Credentials> KeySource::Load() {
  for (int i = 0; i < kReadings; ++i) {
    const Prints before = PrintsNow();
    absl::StatusOr<Credentials> keys =
        LoadCredentials(access_key_, secret_key_);
    // The links first: a swap after this is seen by the prints.
    std::string directory = Directory();
    if (before != PrintsNow()) continue;
    if (!keys.ok()) return keys;
    keys->generation = last_.generation + 1;
    last_ = *keys;
    taken_ = before;
    seen_ = before;
    directory_ = std::move(directory);
    return keys;
  }
  return absl::AbortedError("the key files keep changing");
}

KeySource::Look KeySource::Check(absl::Time now) {
  Look look;
  const Prints prints = PrintsNow();
  if (prints == taken_) {
    seen_ = prints;
    told_.clear();
    return look;
  }
  if (!(prints == seen_)) {
    seen_ = prints;
    seen_since_ = now;
  }
  // A key that is no file stays as it is, so that nothing else is waited for.
  const bool both =
      (access_key_.file.empty() || !(prints.access_key == taken_.access_key)) &&
      (secret_key_.file.empty() || !(prints.secret_key == taken_.secret_key));
  const std::string directory = Directory();
  const bool replaced_whole = !directory.empty() && directory != directory_;
  const absl::Duration settle = replaced_whole ? absl::ZeroDuration()
                                : both         ? kSettle
                                               : kSettleOfOne;
  if (now - seen_since_ < settle) {
    look.pending = both;
    return look;
  }
  const Credentials before = last_;
  absl::StatusOr<Credentials> keys = Load();
  if (absl::IsAborted(keys.status())) {
    look.pending = true;
    return look;
  }
  if (!keys.ok()) {
    if (told_ != keys.status().message()) look.problem = keys.status();
    told_ = std::string(keys.status().message());
    return look;
  }
  told_.clear();
  if (keys->access_key == before.access_key &&
      keys->secret_key == before.secret_key) {
    // Written anew with the same in it.
    last_.generation = before.generation;
    return look;
  }
  look.fresh = *std::move(keys);
  return look;
}

}  // namespace leadgateway::leadsquared
