#include "tests/integration/program.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <rapidjson/document.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace leadgateway::testing {

Program::Program(std::vector<std::string> arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "no pipe";
    return;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  if (posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) !=
      0) {
    ADD_FAILURE() << "can't start " << argv[0];
    pid_ = -1;
  }
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  thread_ = std::thread([this, fd = ends[0]] { Read(fd); });
}

Program::~Program() {
  if (pid_ > 0 && !exit_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (thread_.joinable()) thread_.join();
}

void Program::Read(int fd) {
  std::string rest;
  char buffer[4096];
  for (ssize_t count; (count = read(fd, buffer, sizeof(buffer))) > 0;) {
    rest.append(buffer, static_cast<size_t>(count));
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t end; (end = rest.find('\n')) != std::string::npos;) {
      lines_.push_back(rest.substr(0, end));
      rest.erase(0, end + 1);
    }
    changed_.notify_all();
  }
  close(fd);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!rest.empty()) lines_.push_back(rest);
  ended_ = true;
  changed_.notify_all();
}

std::string Program::WaitForLine(absl::string_view text, absl::Duration most) {
  std::unique_lock<std::mutex> lock(mutex_);
  std::string found;
  size_t seen = 0;
  changed_.wait_for(lock, absl::ToChronoMilliseconds(most), [&] {
    for (; seen < lines_.size(); ++seen) {
      if (!absl::StrContains(lines_[seen], text)) continue;
      found = lines_[seen];
      return true;
    }
    return ended_;
  });
  return found;
}

void Program::Signal(int signal) {
  if (pid_ > 0 && !exit_) kill(pid_, signal);
}

int Program::Wait(absl::Duration most) {
  if (exit_) return *exit_;
  {
    // Its standard error closes when it ends.
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, absl::ToChronoMilliseconds(most),
                           [&] { return ended_; })) {
      return -1;
    }
  }
  int status = 0;
  if (pid_ <= 0 || waitpid(pid_, &status, 0) != pid_) return -1;
  exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return *exit_;
}

std::vector<std::string> Program::lines() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return lines_;
}

std::string MemberOf(const std::string& line, const char* name) {
  rapidjson::Document document;
  document.Parse(line.c_str());
  if (!document.IsObject() || !document.HasMember(name) ||
      !document[name].IsString()) {
    return "";
  }
  return document[name].GetString();
}

std::string HttpGet(const std::string& address, const std::string& path) {
  return HttpAnswer(address, "GET", path);
}

std::string HttpAnswer(const std::string& address, const std::string& method,
                       const std::string& path) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port)) {
    return "";
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // A bound on every wait below.
  const timeval most = {.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  const std::string request =
      absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: ", address,
                   "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t count; (count = read(fd, buffer, sizeof(buffer))) > 0;) {
      answer.append(buffer, static_cast<size_t>(count));
    }
  }
  close(fd);
  return answer;
}

}  // namespace leadgateway::testing
