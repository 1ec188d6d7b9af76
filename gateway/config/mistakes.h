#ifndef LEADGATEWAY_GATEWAY_CONFIG_MISTAKES_H_
#define LEADGATEWAY_GATEWAY_CONFIG_MISTAKES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace leadgateway {

// The mistakes of a configuration, in the order of their finding. Not
// thread-safe.
class Mistakes {
 public:
  // Adds "path: text", unless a mistake is known of `path` or of something that
  // it is a part of: one slip of the pen is one line.
  void Add(absl::string_view path, absl::string_view text);

  // True when Add() of `path` would add nothing.
  bool Covers(absl::string_view path) const;

  bool empty() const { return lines_.empty(); }

  // OK when there are none; else kInvalidArgument, a line each.
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
  std::set<std::string, std::less<>> paths_;
};

// `text`, for a path: at most 64 bytes of letters, digits and the signs that
// names have; "?" stands for everything else.
std::string PrintableName(absl::string_view text);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_CONFIG_MISTAKES_H_
