#ifndef LEADGATEWAY_GATEWAY_BASE_FILE_PRINT_H_
#define LEADGATEWAY_GATEWAY_BASE_FILE_PRINT_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace leadgateway {

// What tells one state of a file from another without reading it.
struct FilePrint {
  dev_t device = 0;
  ino_t inode = 0;
  int64_t size = -1;  // -1: it is not there
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  friend bool operator==(const FilePrint&, const FilePrint&) = default;
};

// Of the file that `path` leads to, through all links.
FilePrint PrintOfFile(const std::string& path);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_FILE_PRINT_H_
