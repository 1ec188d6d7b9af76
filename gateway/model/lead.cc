#include "gateway/model/lead.h"

#include <cstddef>

namespace leadgateway {
namespace {

size_t HeapBytes(const std::string& text) {
  // Short strings live inside the object.
  return text.capacity() > 15 ? text.capacity() + 1 : 0;
}

}  // namespace

size_t FootprintOf(const LeadUpdate& lead) {
  size_t bytes = sizeof(LeadUpdate) + HeapBytes(lead.tag) +
                 HeapBytes(lead.lane_key) +
                 lead.fields.capacity() * sizeof(FieldValue);
  for (const FieldValue& field : lead.fields) {
    bytes += HeapBytes(field.attribute) + HeapBytes(field.value);
  }
  return bytes;
}

size_t FootprintOf(const LeadResult& result) {
  size_t bytes = sizeof(LeadResult) + HeapBytes(result.tag) +
                 HeapBytes(result.identifier) +
                 HeapBytes(result.identifier_value);
  if (result.problem) {
    bytes += HeapBytes(result.problem->message) +
             result.problem->violations.capacity() * sizeof(FieldViolation);
    for (const FieldViolation& violation : result.problem->violations) {
      bytes += HeapBytes(violation.field) + HeapBytes(violation.description);
    }
  }
  bytes += result.warnings.capacity() * sizeof(FieldViolation);
  for (const FieldViolation& warning : result.warnings) {
    bytes += HeapBytes(warning.field) + HeapBytes(warning.description);
  }
  return bytes;
}

}  // namespace leadgateway
