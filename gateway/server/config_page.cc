#include "gateway/server/config_page.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/json_text.h"
#include "gateway/config/config_printer.h"

namespace leadgateway::server {
namespace {

void AppendTime(std::string& out, absl::Time time) {
  AppendJsonString(
      out, absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone()));
}

void AppendList(std::string& out, const std::vector<std::string>& texts) {
  out += '[';
  for (const std::string& text : texts) {
    if (&text != &texts.front()) out += ", ";
    AppendJsonString(out, text);
  }
  out += ']';
}

}  // namespace

std::string ConfigPage(const ServingConfig& config,
                       const ConfigReloader::State* reloads) {
  std::string out = absl::StrCat("{\n\"generation\": ", config.generation(),
                                 ",\n\"loadedAt\": ");
  AppendTime(out, config.loaded_at());
  out += ",\n\"needsRestart\": ";
  AppendList(out, config.waiting());
  if (reloads != nullptr) {
    out += ",\n\"file\": ";
    AppendJsonString(out, reloads->path);
    absl::StrAppend(&out, ",\n\"reloadsRefused\": ", reloads->failures);
    if (reloads->last_at != absl::InfinitePast()) {
      out += ",\n\"lastReloadAt\": ";
      AppendTime(out, reloads->last_at);
      out += ",\n\"lastReloadMistakes\": ";
      AppendList(out, reloads->mistakes);
    }
  }
  const std::string printed = PrintConfig(config.options());
  absl::StrAppend(&out, ",\n\"config\": ",
                  absl::StripTrailingAsciiWhitespace(printed), "\n}\n");
  return out;
}

}  // namespace leadgateway::server
