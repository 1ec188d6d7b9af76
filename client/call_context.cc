#include "client/call_context.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace leadgateway::client {
namespace {

// The longest name that an account can have.
constexpr std::size_t kMaxAccountBytes = 63;

bool CanBeMetadata(const std::string& account) {
  return !account.empty() && account.size() <= kMaxAccountBytes &&
         std::all_of(account.begin(), account.end(),
                     [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

std::string MakeRequestId() {
  absl::BitGen random;
  return absl::StrFormat("%016x", absl::Uniform<std::uint64_t>(random));
}

std::shared_ptr<grpc::ClientContext> MakeContext(const CallMetadata& metadata,
                                                 absl::Time deadline) {
  auto context = std::make_shared<grpc::ClientContext>();
  context->AddMetadata("x-request-id", metadata.request_id);
  if (!metadata.caller.empty()) {
    context->AddMetadata("x-lead-caller", metadata.caller);
  }
  if (!metadata.priority.empty()) {
    context->AddMetadata("x-lead-priority", metadata.priority);
  }
  if (CanBeMetadata(metadata.account)) {
    context->AddMetadata("x-lead-account", metadata.account);
  }
  if (deadline != absl::InfiniteFuture()) {
    context->set_deadline(absl::ToChronoTime(deadline));
  }
  return context;
}

Pushback ReadPushback(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("grpc-retry-pushback-ms");
  if (found == trailers.end()) return {};
  const std::string text(found->second.data(), found->second.size());
  std::int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(text, &milliseconds) || milliseconds < 0) {
    return {.never = true, .delay = std::nullopt};
  }
  return {.never = false, .delay = absl::Milliseconds(milliseconds)};
}

}  // namespace leadgateway::client
