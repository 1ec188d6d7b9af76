#include "gateway/config/json_outline.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/status_macros.h"

namespace leadgateway {
namespace {

// A configuration has 4 levels; more than this is not one.
constexpr int kDeepest = 32;

// Columns count bytes, from 1, as compilers do.
absl::Status ErrorAt(absl::string_view text, size_t position,
                     absl::string_view what) {
  int line = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < position && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "line ", line, ", column ", position - line_start + 1, ": ", what));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  absl::StatusOr<JsonOutline> Document() {
    JsonOutline value;
    LG_RETURN_IF_ERROR(Value(value, 0));
    SkipSpace();
    if (at_ < text_.size()) return Error("expected the end of the file");
    return value;
  }

 private:
  using Kind = JsonOutline::Kind;

  absl::Status Value(JsonOutline& value, int depth) {
    SkipSpace();
    const size_t start = at_;
    if (depth > kDeepest) return Error("is nested too deeply");
    switch (Peek()) {
      case '{':
        value.kind = Kind::kObject;
        LG_RETURN_IF_ERROR(Object(value, depth));
        break;
      case '[':
        value.kind = Kind::kArray;
        LG_RETURN_IF_ERROR(Array(value, depth));
        break;
      case '"':
        value.kind = Kind::kString;
        LG_RETURN_IF_ERROR(String());
        break;
      default:
        LG_RETURN_IF_ERROR(Scalar(value));
    }
    value.text = text_.substr(start, at_ - start);
    return absl::OkStatus();
  }

  absl::Status Object(JsonOutline& value, int depth) {
    ++at_;
    SkipSpace();
    if (Take('}')) return absl::OkStatus();
    while (true) {
      SkipSpace();
      if (Peek() != '"') return Error("expected a name in double quotes");
      const size_t start = at_;
      LG_RETURN_IF_ERROR(String());
      const absl::string_view key = text_.substr(start + 1, at_ - start - 2);
      SkipSpace();
      if (!Take(':')) return Error("expected \":\"");
      value.keys.push_back(key);
      value.items.emplace_back();
      LG_RETURN_IF_ERROR(Value(value.items.back(), depth + 1));
      SkipSpace();
      if (Take('}')) return absl::OkStatus();
      if (!Take(',')) return Error("expected \",\" or \"}\"");
    }
  }

  absl::Status Array(JsonOutline& value, int depth) {
    ++at_;
    SkipSpace();
    if (Take(']')) return absl::OkStatus();
    while (true) {
      value.items.emplace_back();
      LG_RETURN_IF_ERROR(Value(value.items.back(), depth + 1));
      SkipSpace();
      if (Take(']')) return absl::OkStatus();
      if (!Take(',')) return Error("expected \",\" or \"]\"");
    }
  }

  absl::Status String() {
    ++at_;
    while (true) {
      if (at_ >= text_.size()) return Error("a string is not closed");
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') break;
      if (c < 0x20) return Error("a control character within a string");
      if (c == '\\') {
        LG_RETURN_IF_ERROR(Escape());
      } else {
        ++at_;
      }
    }
    ++at_;
    return absl::OkStatus();
  }

  absl::Status Escape() {
    constexpr absl::string_view kSingle = "\"\\/bfnrt";
    const size_t start = at_++;
    if (kSingle.find(Peek()) != absl::string_view::npos) {
      ++at_;
      return absl::OkStatus();
    }
    uint32_t unit = 0;
    bool good = CodeUnit(unit);
    if (good && unit >= 0xD800 && unit <= 0xDBFF) {
      good = Take('\\') && CodeUnit(unit) && unit >= 0xDC00 && unit <= 0xDFFF;
    } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
      good = false;
    }
    if (good) return absl::OkStatus();
    at_ = start;
    return Error("an escape that JSON does not know");
  }

  bool CodeUnit(uint32_t& unit) {
    if (!Take('u')) return false;
    unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = absl::ascii_tolower(static_cast<unsigned char>(Peek()));
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
      unit = unit * 16 +
             static_cast<uint32_t>(IsDigit(c) ? c - '0' : c - 'a' + 10);
      ++at_;
    }
    return true;
  }

  absl::Status Scalar(JsonOutline& value) {
    for (absl::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) == word) {
        value.kind = word == "null" ? Kind::kNull : Kind::kBool;
        at_ += word.size();
        return absl::OkStatus();
      }
    }
    value.kind = Kind::kNumber;
    const size_t start = at_;
    Take('-');
    bool good = true;
    if (!Take('0')) good = Digits();
    if (good && Take('.')) good = Digits();
    if (good && (Take('e') || Take('E'))) {
      if (!Take('+')) Take('-');
      good = Digits();
    }
    if (good) return absl::OkStatus();
    at_ = start;
    return Error("expected a value");
  }

  bool Digits() {
    if (!IsDigit(Peek())) return false;
    while (IsDigit(Peek())) ++at_;
    return true;
  }

  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' ||
                                  text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  // '\0' at the end, which no rule takes for anything.
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  absl::Status Error(absl::string_view what) const {
    if (at_ >= text_.size()) {
      return ErrorAt(text_, text_.size(), "the text ends too early");
    }
    return ErrorAt(text_, at_, what);
  }

  const absl::string_view text_;
  size_t at_ = 0;
};

// The length of the UTF-8 sequence at the start of `text`; 0 when there is
// none.
size_t Utf8Length(absl::string_view text) {
  const auto byte = [text](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                        : lead >= 0xE0 && lead <= 0xEF ? 3
                        : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                       : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF.
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

void Write(const JsonOutline& value, std::string& out) {
  absl::string_view separator;
  switch (value.kind) {
    case JsonOutline::Kind::kObject:
      out += '{';
      for (size_t i = 0; i < value.items.size(); ++i) {
        absl::StrAppend(&out, separator, "\"", value.keys[i], "\":");
        Write(value.items[i], out);
        separator = ",";
      }
      out += '}';
      return;
    case JsonOutline::Kind::kArray:
      out += '[';
      for (const JsonOutline& item : value.items) {
        absl::StrAppend(&out, separator);
        Write(item, out);
        separator = ",";
      }
      out += ']';
      return;
    default:
      absl::StrAppend(&out, value.text);
  }
}

}  // namespace

absl::StatusOr<JsonOutline> ReadJsonOutline(absl::string_view text) {
  return Reader(text).Document();
}

std::string WriteJson(const JsonOutline& outline) {
  std::string text;
  Write(outline, text);
  return text;
}

absl::Status CheckUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text.substr(i));
    if (length == 0) return ErrorAt(text, i, "is not UTF-8 text");
    i += length;
  }
  return absl::OkStatus();
}

}  // namespace leadgateway
