#include "gateway/model/lead_mistakes.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gateway/model/errors.h"

namespace leadgateway::mistakes {
namespace {

// Other leads that a message about a repeated key names.
constexpr size_t kMaxNamedLeads = 5;
// Names and options in messages are cut here; LeadSquared's names have at most
// 50.
constexpr size_t kMaxNameBytes = 100;

}  // namespace

std::string NoName() { return "has no attribute name"; }

std::string UnknownField(const std::vector<std::string>& names,
                         bool is_display_name) {
  if (names.empty()) return "is no field of this account's leads";
  const std::string text =
      absl::StrJoin(names, " or ", [](std::string* out, const std::string& n) {
        absl::StrAppend(out, errors::Bounded(n, kMaxNameBytes));
      });
  if (is_display_name) {
    return absl::StrCat(
        "is what people see, not the schema name; its schema name is ", text);
  }
  return absl::StrCat("is no field of this account's leads; did you mean ",
                      text, "?");
}

std::string ReadOnlyField() {
  return "is read-only or locked in LeadSquared; leave it out";
}

std::string RepeatedField() { return "stands in the lead more than once"; }

std::string NoValue() {
  return "has no value; to empty the field, send `clear` or an empty string";
}

std::string DoesNotFit(Misfit misfit) {
  switch (misfit) {
    case Misfit::kNone:
      break;
    case Misfit::kNoNumber:
      return "is no number, which this field holds; send int64_value, "
             "double_value or plain decimals such as \"-1250.5\", without "
             "separators, exponents or units";
    case Misfit::kNoBoolean:
      return "is no boolean, which this field holds; send bool_value, or "
             "\"1\", \"0\", \"true\" or \"false\"";
    case Misfit::kNoDate:
      return "is no date, which this field holds; send date_value, or an "
             "existing day as \"YYYY-MM-DD\"";
    case Misfit::kNoDateTime:
      return "is no date with a time, which this field holds; send "
             "timestamp_value, or \"YYYY-MM-DD HH:MM:SS\" in UTC, or with an "
             "offset as \"YYYY-MM-DDTHH:MM:SS+05:30\"";
    case Misfit::kNoTime:
      return "is no time of day, which this field holds; send it as a string, "
             "as LeadSquared shows it";
    case Misfit::kDateHasTime:
      return "has a time of day, and this field holds a date: which day that "
             "is depends on the time zone; send date_value or \"YYYY-MM-DD\"";
    case Misfit::kDateHasZone:
      return "has a time zone, and this field holds a date; send date_value "
             "or \"YYYY-MM-DD\"";
    case Misfit::kNoEmail:
      return "is no e-mail address: it needs an \"@\" with something on both "
             "sides, and no control characters";
    case Misfit::kNoPhone:
      return "is no phone number: it needs a digit, and no control characters";
    case Misfit::kNoWebsite:
      return "is no address of a website: it needs a host, and neither white "
             "space nor control characters";
  }
  return "";
}

std::string TooLong(int64_t characters, int64_t most) {
  return absl::StrCat("has ", characters,
                      " characters; LeadSquared's MaxLength of the field is ",
                      most);
}

std::string NoOption(size_t options, absl::string_view nearest) {
  std::string text = absl::StrCat("is none of the field's ", options,
                                  options == 1 ? " option" : " options",
                                  ", which are compared to the letter");
  if (nearest.empty()) {
    absl::StrAppend(&text, "; ListLeadFields lists them");
  } else {
    absl::StrAppend(&text, "; did you mean \"",
                    errors::Bounded(nearest, kMaxNameBytes), "\"?");
  }
  return text;
}

std::string NoFields(absl::string_view key) {
  return absl::StrCat("has no fields; it needs ", key,
                      " to be found, and a field to set");
}

std::string NothingToSet(absl::string_view key) {
  return absl::StrCat("has no field to set beside \"", key,
                      "\", by which it is found");
}

std::string KeyMissing(absl::string_view key) {
  return absl::StrCat("has no field \"", key, "\", by which leads are found");
}

std::string KeyEmpty() { return "is the search key and is empty"; }

std::string KeyTooLong(size_t bytes, size_t most) {
  return absl::StrCat("is the search key and has ", bytes,
                      " bytes; no key has more than ", most);
}

std::string KeyIsNoGuid() {
  return "is the search key and is no GUID such as "
         "\"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9\"; to find leads by another "
         "field, name it in search_by_key";
}

std::string KeyRepeated(const std::vector<int>& all, int self,
                        bool phone_numbers) {
  std::string text = "is the same as in ";
  size_t named = 0;
  for (const int index : all) {
    if (index == self) continue;
    if (named == kMaxNamedLeads) {
      absl::StrAppend(&text, " and ", all.size() - 1 - named, " more");
      break;
    }
    absl::StrAppend(&text, named == 0 ? "" : ", ", "leads[", index, "]");
    ++named;
  }
  return absl::StrCat(
      text, " (compared ",
      phone_numbers ? "by its digits" : "trimmed and without regard to case",
      "); merge them, or send them in separate requests");
}

std::string TagTooLong(size_t bytes, size_t most) {
  return absl::StrCat("has ", bytes, " bytes; at most ", most, " are allowed");
}

std::string Unlisted(int mistakes) {
  return absl::StrCat("has ", mistakes, " more that ",
                      mistakes == 1 ? "is" : "are", " not listed");
}

}  // namespace leadgateway::mistakes
