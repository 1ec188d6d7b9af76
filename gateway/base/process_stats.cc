#include "gateway/base/process_stats.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway {
namespace {

std::string ReadText(const char* path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int64_t NumberAt(const std::vector<absl::string_view>& words, size_t index) {
  int64_t number = 0;
  return index < words.size() && absl::SimpleAtoi(words[index], &number)
             ? number
             : 0;
}

int CountOpenFds() {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  // Without ".", ".." and the directory itself.
  return std::max(0, count - 3);
}

// When the machine came up, by its clock.
int64_t BootSeconds(absl::string_view stat) {
  for (const absl::string_view line : absl::StrSplit(stat, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words[0] == "btime") return NumberAt(words, 1);
  }
  return 0;
}

}  // namespace

ProcessStats ReadProcessStats() {
  ProcessStats stats;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    stats.cpu = absl::DurationFromTimeval(usage.ru_utime) +
                absl::DurationFromTimeval(usage.ru_stime);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    stats.max_fds = static_cast<int64_t>(limit.rlim_cur);
  }
  stats.open_fds = CountOpenFds();

  const std::string statm = ReadText("/proc/self/statm");
  const std::vector<absl::string_view> pages = absl::StrSplit(statm, ' ');
  const int64_t page = sysconf(_SC_PAGESIZE);
  stats.virtual_bytes = NumberAt(pages, 0) * page;
  stats.resident_bytes = NumberAt(pages, 1) * page;

  // The program's name, in brackets, may hold anything; after it come field 3
  // and the rest, as proc(5) counts them.
  const std::string self = ReadText("/proc/self/stat");
  const size_t name_end = self.rfind(") ");
  const int64_t boot = BootSeconds(ReadText("/proc/stat"));
  const int64_t ticks = sysconf(_SC_CLK_TCK);
  if (name_end != std::string::npos) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(absl::string_view(self).substr(name_end + 2), ' ');
    stats.threads = static_cast<int>(NumberAt(words, 20 - 3));
    if (boot > 0 && ticks > 0) {
      stats.started = absl::FromUnixSeconds(boot) +
                      absl::Seconds(1) * NumberAt(words, 22 - 3) / ticks;
    }
  }
  return stats;
}

}  // namespace leadgateway
