#include "gateway/server/catalogue_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/base/mutex.h"
#include "gateway/server/catalogue_loader.h"

namespace leadgateway::server {
namespace {

absl::Status Failed(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, " ", what, ": ", strerror(errno)));
}

absl::Status WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::ErrnoToStatus(errno, "write");
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status SetTime(int fd, absl::Time time) {
  const timespec stamp = absl::ToTimespec(time);
  const timespec both[2] = {stamp, stamp};
  return futimens(fd, both) == 0 ? absl::OkStatus()
                                 : absl::ErrnoToStatus(errno, "futimens");
}

// To the disk under another name, then in the place of the old file: what is
// there is whole, whenever the power goes.
absl::Status Replace(const std::string& directory, const std::string& path,
                     absl::string_view text, absl::Time time) {
  const std::string fresh = absl::StrCat(path, ".new");
  const int fd =
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Failed(fresh, "can't be written");
  absl::Cleanup closer = [fd] { close(fd); };
  if (!WriteAll(fd, text).ok() || !SetTime(fd, time).ok() || fsync(fd) != 0) {
    const absl::Status failed = Failed(fresh, "can't be written");
    unlink(fresh.c_str());
    return failed;
  }
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    const absl::Status failed = Failed(path, "can't be replaced");
    unlink(fresh.c_str());
    return failed;
  }
  const int parent =
      open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return Failed(directory, "can't be opened");
  const bool synced = fsync(parent) == 0;
  close(parent);
  return synced ? absl::OkStatus() : Failed(directory, "can't be written");
}

}  // namespace

absl::StatusOr<std::unique_ptr<CatalogueStore>> CatalogueStore::Create(
    std::string directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failed(directory, "can't be made");
  }
  struct stat info {};
  if (stat(directory.c_str(), &info) != 0) {
    return Failed(directory, "can't be used");
  }
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory, " is no directory"));
  }
  if (faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return Failed(directory, "can't be written to");
  }
  return std::unique_ptr<CatalogueStore>(
      new CatalogueStore(std::move(directory)));
}

CatalogueStore::CatalogueStore(std::string directory)
    : directory_(std::move(directory)) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "catalogues");
    Run();
  });
}

CatalogueStore::~CatalogueStore() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

std::string CatalogueStore::FileOf(absl::string_view account) const {
  return absl::StrCat(directory_, "/", account, ".fields.json");
}

absl::StatusOr<std::shared_ptr<const schema::FieldCatalogue>>
CatalogueStore::Load(absl::string_view account,
                     const std::vector<std::string>& unique_fields) const {
  const std::string path = FileOf(account);
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 && errno == ENOENT) {
    return absl::NotFoundError(absl::StrCat(path, " is not there"));
  }
  return LoadCatalogue(path, unique_fields);
}

void CatalogueStore::Save(absl::string_view account, std::string json,
                          absl::Time fetched_at) {
  const MutexLock lock(mutex_);
  waiting_[std::string(account)] = {std::move(json), fetched_at};
  changed_.NotifyAll();
}

void CatalogueStore::Run() {
  while (true) {
    std::map<std::string, Answer> taken;
    {
      const MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(mutex_);
      if (waiting_.empty()) return;
      taken = std::move(waiting_);
      waiting_.clear();
    }
    for (const auto& [account, answer] : taken) Write(account, answer);
  }
}

void CatalogueStore::Write(const std::string& account, const Answer& answer) {
  const std::string path = FileOf(account);
  const size_t hash = absl::HashOf(answer.json);
  const auto written = written_.find(account);
  if (written != written_.end() && written->second == hash) {
    // Nothing new but the time.
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
      const bool stamped = SetTime(fd, answer.fetched_at).ok();
      close(fd);
      if (stamped) return;
    }
  }
  const absl::Status status =
      Replace(directory_, path, answer.json, answer.fetched_at);
  if (status.ok()) {
    written_[account] = hash;
  } else {
    written_.erase(account);
    LogLine(LogLevel::kError, "fields_not_saved")
        .Add("account", account)
        .Add("text", status.message());
  }
}

}  // namespace leadgateway::server
