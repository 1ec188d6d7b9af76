#ifndef LEADGATEWAY_GATEWAY_MODEL_LEAD_MISTAKES_H_
#define LEADGATEWAY_GATEWAY_MODEL_LEAD_MISTAKES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// The sentences about mistakes in a lead. Each one goes on after the path of a
// field or a lead, says how to mend it, and holds nothing of the lead's values.
namespace leadgateway::mistakes {

// --- names

std::string NoName();
// `names` are what may be meant, best first.
std::string UnknownField(const std::vector<std::string>& names,
                         bool is_display_name);
std::string ReadOnlyField();
std::string RepeatedField();

// --- values

std::string NoValue();
// Why a value can't be of its field's data type.
enum class Misfit {
  kNone,
  kNoNumber,
  kNoBoolean,
  kNoDate,
  kNoDateTime,
  kNoTime,
  kDateHasTime,
  kDateHasZone,
  kNoEmail,
  kNoPhone,
  kNoWebsite,
};
std::string DoesNotFit(Misfit misfit);
std::string TooLong(int64_t characters, int64_t most);
// `nearest` is the option that may be meant, or "".
std::string NoOption(size_t options, absl::string_view nearest);

// --- the lead and its key

std::string NoFields(absl::string_view key);
std::string NothingToSet(absl::string_view key);
std::string KeyMissing(absl::string_view key);
std::string KeyEmpty();
std::string KeyTooLong(size_t bytes, size_t most);
std::string KeyIsNoGuid();
// `others`: the indexes of the leads with the same key, of which some are
// named.
std::string KeyRepeated(const std::vector<int>& all, int self,
                        bool phone_numbers);
std::string TagTooLong(size_t bytes, size_t most);
std::string Unlisted(int mistakes);

}  // namespace leadgateway::mistakes

#endif  // LEADGATEWAY_GATEWAY_MODEL_LEAD_MISTAKES_H_
