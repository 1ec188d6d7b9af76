// Fuzzes the reader of field metadata and what is made of it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/leadsquared/fields_reader/fields_reader.h"
#include "gateway/schema/field_catalogue.h"

namespace leadgateway {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void Run(absl::string_view text) {
  auto fields = leadsquared::ReadFields(text);
  if (!fields.ok()) {
    Check(absl::IsInvalidArgument(fields.status()));
    Check(!fields.status().message().empty());
    return;
  }
  Check(!fields->empty());
  for (const schema::FieldInfo& field : *fields) {
    Check(!field.schema_name.empty());
    Check(field.max_length >= 0);
  }
  const auto catalogue = schema::FieldCatalogue::Create(
      *std::move(fields), {"Phone"}, absl::UnixEpoch());
  if (!catalogue.ok()) return;
  for (const schema::FieldInfo& field : (*catalogue)->fields()) {
    Check((*catalogue)->Find(field.schema_name) == &field);
    Check((*catalogue)->Nearest(field.schema_name).size() <= 3);
    if ((*catalogue)->fields().size() > 50) break;
  }
}

}  // namespace
}  // namespace leadgateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leadgateway::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
