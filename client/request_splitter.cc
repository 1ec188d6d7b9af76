#include "client/request_splitter.h"

#include <google/protobuf/io/coded_stream.h>

namespace leadgateway::client {

using ::leadgateway::v1::BulkUpdateLeadsRequest;
using ::leadgateway::v1::Lead;

std::vector<LeadRange> Split(const BulkUpdateLeadsRequest& request,
                             const RequestLimits& limits) {
  std::vector<LeadRange> ranges = {{0, 0}};
  std::size_t bytes = 0;
  for (const Lead& lead : request.leads()) {
    const std::size_t body = lead.ByteSizeLong();
    const std::size_t size =
        1 +  // The field's tag.
        google::protobuf::io::CodedOutputStream::VarintSize64(body) + body;
    LeadRange& last = ranges.back();
    const bool full =
        last.end - last.begin >= limits.leads || bytes + size > limits.bytes;
    if (full && last.end > last.begin) {
      ranges.push_back({last.end, last.end + 1});
      bytes = size;
    } else {
      ++last.end;
      bytes += size;
    }
  }
  return ranges;
}

BulkUpdateLeadsRequest Part(const BulkUpdateLeadsRequest& request,
                            LeadRange range) {
  BulkUpdateLeadsRequest part;
  part.set_account(request.account());
  part.set_search_by_key(request.search_by_key());
  part.set_validate_only(request.validate_only());
  if (request.has_options()) *part.mutable_options() = request.options();
  part.mutable_leads()->Reserve(range.end - range.begin);
  for (int i = range.begin; i < range.end; ++i) {
    *part.add_leads() = request.leads(i);
  }
  return part;
}

}  // namespace leadgateway::client
