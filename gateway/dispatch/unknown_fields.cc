#include "gateway/dispatch/unknown_fields.h"

#include <algorithm>
#include <functional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leadgateway::dispatch {

void UnknownFields::Remember(absl::string_view name, absl::string_view words,
                             absl::Time now) {
  if (entries_.size() >= kMost && !entries_.contains(name)) MakeRoom(now);
  entries_.insert_or_assign(std::string(name), Entry{std::string(words), now});
}

const UnknownFields::Entry* UnknownFields::Find(absl::string_view name,
                                                absl::Time now) const {
  const auto it = entries_.find(name);
  if (it == entries_.end() || it->second.said_at + kMemory <= now) {
    return nullptr;
  }
  return &it->second;
}

void UnknownFields::Forget(
    const std::function<bool(absl::string_view)>& exists) {
  absl::erase_if(entries_,
                 [&](const auto& entry) { return exists(entry.first); });
}

void UnknownFields::MakeRoom(absl::Time now) {
  absl::erase_if(entries_, [&](const auto& entry) {
    return entry.second.said_at + kMemory <= now;
  });
  if (entries_.size() < kMost) return;
  entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                  [](const auto& a, const auto& b) {
                                    return a.second.said_at < b.second.said_at;
                                  }));
}

}  // namespace leadgateway::dispatch
