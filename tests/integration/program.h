#ifndef LEADGATEWAY_TESTS_INTEGRATION_PROGRAM_H_
#define LEADGATEWAY_TESTS_INTEGRATION_PROGRAM_H_

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::testing {

// A program as a child process, whose standard error is read line by line.
class Program {
 public:
  // `arguments` begin with the path of the program.
  explicit Program(std::vector<std::string> arguments);
  // Kills it if it is still there.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // The first line with `text` in it; "" if it ended, or `most` passed, without
  // one.
  std::string WaitForLine(absl::string_view text,
                          absl::Duration most = absl::Seconds(20));
  void Signal(int signal);
  // Its exit code, 128 + signal if it died of one, -1 if it goes on for `most`.
  int Wait(absl::Duration most = absl::Seconds(20));
  pid_t pid() const { return pid_; }
  // All lines, once it has ended.
  std::vector<std::string> lines();

 private:
  void Read(int fd);

  pid_t pid_ = -1;
  std::optional<int> exit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  bool ended_ = false;  // its standard error is closed
  std::thread thread_;
};

// A member of a JSON object on one line; "" without.
std::string MemberOf(const std::string& line, const char* name);

// The answer to "GET PATH" at "HOST:PORT", head and body; "" if there is none.
std::string HttpGet(const std::string& address, const std::string& path);
// The same with another method, without a body.
std::string HttpAnswer(const std::string& address, const std::string& method,
                       const std::string& path);

}  // namespace leadgateway::testing

#endif  // LEADGATEWAY_TESTS_INTEGRATION_PROGRAM_H_
