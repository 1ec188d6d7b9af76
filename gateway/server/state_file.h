#ifndef LEADGATEWAY_GATEWAY_SERVER_STATE_FILE_H_
#define LEADGATEWAY_GATEWAY_SERVER_STATE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace leadgateway::server {

// What an account's calls leave behind for the next process: lines of text, the
// last one a check of all before. Never a key, never a lead.
struct SavedState {
  std::string account;
  absl::CivilDay day;  // in `zone`
  std::string zone;
  // Calls that count against that day: made, or about to be.
  int64_t calls = 0;
  // The process ended as it should: `calls` and `held` are exact.
  bool clean = false;
  absl::Time saved_at;  // time of day
  // When the window of each call that may still count began, by the time of
  // day. Only where `clean`.
  std::vector<absl::Time> held;
};

std::string FormatState(const SavedState& state);

// kDataLoss, and what is wrong with it, where the text is not a whole state of
// a version that this program knows.
absl::StatusOr<SavedState> ParseState(absl::string_view text);

// kNotFound where there is no such file, kDataLoss as above, kInvalidArgument
// where it can't be read.
absl::StatusOr<SavedState> LoadState(const std::string& path);

// Replaces the file as a whole or not at all, and returns when that would
// survive a loss of power. Blocks as long as the disk takes.
absl::Status SaveState(const std::string& path, const SavedState& state);

// The directory that holds the accounts' state files, for one user alone.
class StateDirectory {
 public:
  // Makes the directory if there is none (its parent must exist) and locks it.
  // kInvalidArgument, with what to do, where it can't be used.
  static absl::StatusOr<std::unique_ptr<StateDirectory>> Take(std::string path);
  ~StateDirectory();
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;

  std::string FileOf(absl::string_view account) const;

 private:
  StateDirectory(std::string path, int lock)
      : path_(std::move(path)), lock_(lock) {}

  const std::string path_;
  const int lock_;
};

}  // namespace leadgateway::server

#endif  // LEADGATEWAY_GATEWAY_SERVER_STATE_FILE_H_
