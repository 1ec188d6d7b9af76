#ifndef LEADGATEWAY_CLIENT_MISTAKES_H_
#define LEADGATEWAY_CLIENT_MISTAKES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace leadgateway::leadctl {

// One mistake in an input file. The text never holds a value of the file: such
// messages end up in terminals and in the logs of batch jobs.
struct Mistake {
  // Counted from 1; 0 when the mistake is about the file as a whole.
  int line = 0;

  // The cell's number in its row, from 1; 0 when it is about the whole line.
  int column = 0;

  std::string text;
};

// The mistakes of one file: keeps the first ones and counts the others, so that
// a file that is wrong in every line does not drown its reader.
class MistakeList {
 public:
  static constexpr std::size_t kKept = 20;

  void Add(Mistake mistake);

  bool empty() const { return count_ == 0; }
  std::size_t count() const { return count_; }

  // One line each, "FILE:LINE: column COLUMN: TEXT", and a last line with the
  // number of those left out.
  std::vector<std::string> Lines(std::string_view file) const;

 private:
  std::vector<Mistake> kept_;
  std::size_t count_ = 0;
};

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_MISTAKES_H_
