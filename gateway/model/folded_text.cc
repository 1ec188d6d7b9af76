#include "gateway/model/folded_text.h"

#include <utf8proc.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace leadgateway {
namespace {

const utf8proc_uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

bool IsAscii(absl::string_view text) {
  unsigned char any = 0;
  for (const char c : text) any |= static_cast<unsigned char>(c);
  return any < 0x80;
}

bool IsSpace(utf8proc_int32_t character) {
  if (character < 0x80) {
    return absl::ascii_isspace(static_cast<unsigned char>(character));
  }
  // Unicode's White_Space: the next line, and the separators.
  if (character == 0x85) return true;
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return true;
    default:
      return false;
  }
}

// The bytes of white space that `text` begins with.
size_t SpaceBefore(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(
        Bytes(text) + at, static_cast<utf8proc_ssize_t>(text.size() - at),
        &character);
    if (length <= 0 || !IsSpace(character)) break;
    at += static_cast<size_t>(length);
  }
  return at;
}

size_t SpaceBehind(absl::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t start = end - 1;
    while (start > 0 &&
           (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80)
      --start;
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(
        Bytes(text) + start, static_cast<utf8proc_ssize_t>(end - start),
        &character);
    if (length != static_cast<utf8proc_ssize_t>(end - start) ||
        !IsSpace(character)) {
      break;
    }
    end = start;
  }
  return text.size() - end;
}

}  // namespace

absl::string_view Trimmed(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return text;
  // Nearly always: it begins and ends with ASCII.
  if (static_cast<unsigned char>(text.front()) >= 0x80) {
    text.remove_prefix(SpaceBefore(text));
  }
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0x80) {
    text.remove_suffix(SpaceBehind(text));
  }
  return absl::StripAsciiWhitespace(text);
}

void FoldInto(absl::string_view text, std::string* out) {
  text = Trimmed(text);
  if (!IsAscii(text)) {
    utf8proc_uint8_t* folded = nullptr;
    const utf8proc_ssize_t length = utf8proc_map(
        Bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &folded,
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE |
                                       UTF8PROC_CASEFOLD));
    if (length >= 0) {
      out->assign(reinterpret_cast<const char*>(folded),
                  static_cast<size_t>(length));
      std::free(folded);
      return;
    }
  }
  out->assign(text.data(), text.size());
  absl::AsciiStrToLower(out);
}

std::string Folded(absl::string_view text) {
  std::string folded;
  FoldInto(text, &folded);
  return folded;
}

}  // namespace leadgateway
