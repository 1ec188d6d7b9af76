#ifndef LEADGATEWAY_CLIENT_UPDATE_COMMAND_H_
#define LEADGATEWAY_CLIENT_UPDATE_COMMAND_H_

#include "absl/status/statusor.h"
#include "client/command_options.h"
#include "client/console.h"
#include "client/update_types.h"

namespace leadgateway::leadctl {

// `leadctl update`: reads the file, sends it, reports. Needs BlockInterrupts().
ExitStatus RunUpdate(const UpdateOptions& options, const Console& console);

// The exit status for what an Update returned.
ExitStatus UpdateExitStatus(const absl::StatusOr<client::UpdateReport>& report,
                            bool interrupted);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_UPDATE_COMMAND_H_
