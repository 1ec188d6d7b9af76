#include "gateway/base/secret.h"

#include <string.h>

#include <utility>

namespace leadgateway {

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    text_ = std::move(other.text_);
    // A short text lives inside the string object and a move copies it.
    other.Wipe();
  }
  return *this;
}

void Secret::Wipe() {
  explicit_bzero(text_.data(), text_.capacity());
  text_.clear();
}

}  // namespace leadgateway
