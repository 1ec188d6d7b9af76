#ifndef LEADGATEWAY_CLIENT_COMMAND_OPTIONS_H_
#define LEADGATEWAY_CLIENT_COMMAND_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/flags.h"
#include "client/lead_file.h"
#include "client/lead_rows.h"
#include "client/update_types.h"

namespace leadgateway::leadctl {

enum class Output { kText, kJson };

// What every command has.
struct CommonOptions {
  std::string gateway;
  std::string account;
  Output output = Output::kText;
  absl::Duration timeout;
};

struct UpdateOptions {
  CommonOptions common;
  std::string file;
  FileFormat format = FileFormat::kCsv;
  RowOptions rows;

  // As the request has it: empty for ProspectId.
  std::string search_by;

  std::string caller;
  client::Priority priority = client::Priority::kBulk;
  bool push_non_existent = false;
  bool validate_only = false;
  bool skip_bad_rows = false;
  bool retry = true;
  bool verbose = false;
};

struct FieldsOptions {
  CommonOptions common;
  std::string filter;
};

// The flags of each command.
const std::vector<FlagSpec>& UpdateFlags();
const std::vector<FlagSpec>& StatusFlags();
const std::vector<FlagSpec>& FieldsFlags();

// From the flags' values; INVALID_ARGUMENT with one line that names the flag.
absl::StatusOr<UpdateOptions> ReadUpdateOptions(const FlagValues& values);
absl::StatusOr<CommonOptions> ReadStatusOptions(const FlagValues& values);
absl::StatusOr<FieldsOptions> ReadFieldsOptions(const FlagValues& values);

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_COMMAND_OPTIONS_H_
