#ifndef LEADGATEWAY_GATEWAY_CONFIG_CONFIG_RULES_H_
#define LEADGATEWAY_GATEWAY_CONFIG_CONFIG_RULES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "gateway/config/json_outline.h"
#include "gateway/config/mistakes.h"
#include "google/protobuf/descriptor.h"
#include "leadgateway/config/v1/gateway_config.pb.h"

namespace leadgateway {

// How paths and suggestions spell a setting.
enum class Spelling { kJson, kProto };

// Compares the object `json` with the fields of GatewayConfig: unknown and
// repeated names, values of the wrong kind. What is a mistake is taken out of
// `json`, so that the rest can still be read.
void CheckShape(JsonOutline& json, Mistakes& mistakes);

// The same with the fields of another message.
void CheckShape(JsonOutline& json, const google::protobuf::Descriptor& message,
                Mistakes& mistakes);

// Checks what is there, what is missing, and every range.
void CheckRules(const config::v1::GatewayConfig& config, Spelling spelling,
                Mistakes& mistakes);

// "is not a setting; did you mean ...?", for an unknown name in a `message`.
std::string UnknownSetting(absl::string_view name,
                           const google::protobuf::Descriptor& message,
                           Spelling spelling);

// "must be one of A, B, C".
std::string OneOf(const google::protobuf::EnumDescriptor& values);

}  // namespace leadgateway

#endif  // LEADGATEWAY_GATEWAY_CONFIG_CONFIG_RULES_H_
