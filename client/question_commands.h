#ifndef LEADGATEWAY_CLIENT_QUESTION_COMMANDS_H_
#define LEADGATEWAY_CLIENT_QUESTION_COMMANDS_H_

#include <string>

#include "client/command_options.h"
#include "client/console.h"
#include "leadgateway/v1/lead_gateway.pb.h"

namespace leadgateway::leadctl {

// `leadctl status`.
ExitStatus RunStatus(const CommonOptions& options, const Console& console);

// `leadctl fields`.
ExitStatus RunFields(const FieldsOptions& options, const Console& console);

// What they print as text.
std::string StatusText(
    const leadgateway::v1::GetAccountStatusResponse& response);
std::string FieldsText(const leadgateway::v1::ListLeadFieldsResponse& response);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_QUESTION_COMMANDS_H_
