#include "gateway/base/file_print.h"

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace leadgateway {
namespace {

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FilePrint PrintOfFile(const std::string& path) {
  FilePrint print;
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return print;
  print.device = file.st_dev;
  print.inode = file.st_ino;
  print.size = file.st_size;
  print.modified_ns = Nanoseconds(file.st_mtim);
  print.changed_ns = Nanoseconds(file.st_ctim);
  return print;
}

}  // namespace leadgateway
