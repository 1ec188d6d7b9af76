#ifndef LEADGATEWAY_GATEWAY_BASE_SECRET_H_
#define LEADGATEWAY_GATEWAY_BASE_SECRET_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace leadgateway {

// Text that must not be seen: an API key, or a header line or URL that holds
// one. It has no printer, no comparison with strings and no conversion; whoever
// needs the text says so by calling Reveal(). Its memory is wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  ~Secret() { Wipe(); }

  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      Wipe();
      text_ = other.text_;
    }
    return *this;
  }
  Secret(Secret&& other) noexcept { *this = std::move(other); }
  Secret& operator=(Secret&& other) noexcept;

  // The text itself. Valid while this object is unchanged.
  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend bool operator==(const Secret& a, const Secret& b) {
    return a.text_ == b.text_;
  }

 private:
  void Wipe();

  std::string text_;
};

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_BASE_SECRET_H_
