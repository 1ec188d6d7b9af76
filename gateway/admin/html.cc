#include "gateway/admin/html.h"

#include <utf8proc.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway {
namespace {

constexpr char kReplacement[] = "&#65533;";  // U+FFFD

// Controls break the page; formatting characters (direction overrides, zero
// width) make text look like another.
bool IsSafe(utf8proc_int32_t character) {
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

}  // namespace

std::string EscapeHtml(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t bytes = utf8proc_iterate(
        reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
        static_cast<utf8proc_ssize_t>(text.size()), &character);
    if (bytes <= 0) {
      out += kReplacement;
      text.remove_prefix(1);
      continue;
    }
    switch (character) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (IsSafe(character)) {
          out.append(text.data(), static_cast<size_t>(bytes));
        } else {
          out += kReplacement;
        }
    }
    text.remove_prefix(static_cast<size_t>(bytes));
  }
  return out;
}

std::string GroupedNumber(int64_t number) {
  std::string digits = absl::StrCat(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string RoughDuration(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return "forever";
  if (duration < absl::ZeroDuration()) duration = absl::ZeroDuration();
  if (duration < absl::Seconds(1)) {
    return absl::StrCat(absl::ToInt64Milliseconds(duration), " ms");
  }
  const int64_t seconds = absl::ToInt64Seconds(duration);
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  const int64_t days = hours / 24;
  // The smaller unit is left out where it is none.
  const auto both = [](int64_t large, const char* unit, int64_t small,
                       const char* small_unit) {
    std::string text = absl::StrCat(large, unit);
    if (small > 0) absl::StrAppend(&text, " ", small, small_unit);
    return text;
  };
  if (minutes == 0) return absl::StrCat(seconds, " s");
  if (hours == 0) return both(minutes, " min", seconds % 60, " s");
  if (days == 0) return both(hours, " h", minutes % 60, " min");
  return both(days, " d", hours % 24, " h");
}

}  // namespace leadgateway
