#include "client/mistakes.h"

#include <string>
#include <utility>

namespace leadgateway::leadctl {

void MistakeList::Add(Mistake mistake) {
  ++count_;
  if (kept_.size() < kKept) kept_.push_back(std::move(mistake));
}

std::vector<std::string> MistakeList::Lines(std::string_view file) const {
  std::vector<std::string> lines;
  for (const Mistake& mistake : kept_) {
    std::string line(file);
    if (mistake.line > 0) line += ":" + std::to_string(mistake.line);
    line += ": ";
    if (mistake.column > 0) {
      line += "column " + std::to_string(mistake.column) + ": ";
    }
    lines.push_back(line + mistake.text);
  }
  if (count_ > kept_.size()) {
    const std::size_t more = count_ - kept_.size();
    lines.push_back(std::string(file) + ": " + std::to_string(more) +
                    (more == 1 ? " more mistake" : " more mistakes"));
  }
  return lines;
}

}  // namespace leadgateway::leadctl
