#ifndef LEADGATEWAY_GATEWAY_DISPATCH_UNKNOWN_FIELDS_H_
#define LEADGATEWAY_GATEWAY_DISPATCH_UNKNOWN_FIELDS_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::dispatch {

// Remembers for a while which fields the vendor said do not exist, so that a
// caller who repeats one costs no further calls.
class UnknownFields {
 public:
  struct Entry {
    std::string words;  // the vendor's
    absl::Time said_at;
  };

  // The vendor refused a call since it knows no field of this name.
  void Remember(absl::string_view name, absl::string_view words,
                absl::Time now);

  // What was said of the field, or null. Valid until the next Remember or
  // Forget.
  const Entry* Find(absl::string_view name, absl::Time now) const;

  // Drops the fields for which `exists` is true: newer metadata has them.
  void Forget(const std::function<bool(absl::string_view)>& exists);

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

  // As long as field metadata stays unrefreshed: a field that was made in the
  // meantime is refused no longer than one that the metadata does not have yet.
  static constexpr absl::Duration kMemory = absl::Minutes(10);
  // More than an account has fields (210 were seen). Beyond it the oldest goes.
  static constexpr size_t kMost = 1000;

 private:
  void MakeRoom(absl::Time now);

  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace leadgateway::dispatch

#endif  // LEADGATEWAY_GATEWAY_DISPATCH_UNKNOWN_FIELDS_H_
