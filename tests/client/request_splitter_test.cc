#include "client/request_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leadgateway::client {
namespace {

using ::leadgateway::v1::BulkUpdateLeadsRequest;

// Leads with tags of the given sizes.
BulkUpdateLeadsRequest Leads(const std::vector<int>& tag_sizes) {
  BulkUpdateLeadsRequest request;
  for (const int size : tag_sizes) {
    request.add_leads()->set_tag(std::string(size, 't'));
  }
  return request;
}

std::vector<int> Sizes(const std::vector<LeadRange>& ranges) {
  std::vector<int> sizes;
  int end = 0;
  for (const LeadRange& range : ranges) {
    EXPECT_EQ(range.begin, end);
    end = range.end;
    sizes.push_back(range.end - range.begin);
  }
  return sizes;
}

TEST(RequestSplitterTest, RangesAreFullInOrderAndWithoutGaps) {
  const BulkUpdateLeadsRequest request = Leads({1, 1, 1, 1, 1});
  EXPECT_EQ(Sizes(Split(request, {.leads = 2})), std::vector({2, 2, 1}));
  EXPECT_EQ(Sizes(Split(request, {.leads = 5})), std::vector({5}));
  EXPECT_EQ(Sizes(Split(request, {.leads = 1})), std::vector(5, 1));
}

TEST(RequestSplitterTest, ARequestWithoutLeadsIsOneEmptyRange) {
  EXPECT_EQ(Sizes(Split({}, {})), std::vector({0}));
}

TEST(RequestSplitterTest, PartsStayWithinTheBytesUnlessOneLeadIsBeyondThem) {
  const BulkUpdateLeadsRequest request = Leads({200, 200, 200, 900, 10, 10});
  const std::vector<LeadRange> ranges =
      Split(request, {.leads = 100, .bytes = 500});
  EXPECT_EQ(Sizes(ranges), std::vector({2, 1, 1, 2}));
  EXPECT_LE(Part(request, ranges[0]).ByteSizeLong(), 500u);
}

TEST(RequestSplitterTest, ThePartsSizeIsCountedToTheByte) {
  const BulkUpdateLeadsRequest request = Leads({100, 100});
  const std::size_t bytes = request.ByteSizeLong();
  EXPECT_EQ(Sizes(Split(request, {.bytes = bytes})), std::vector({2}));
  EXPECT_EQ(Sizes(Split(request, {.bytes = bytes - 1})), std::vector({1, 1}));
}

TEST(RequestSplitterTest, APartKeepsAllButTheOtherLeads) {
  BulkUpdateLeadsRequest request = Leads({1, 2, 3});
  request.set_account("acme");
  request.set_search_by_key("Phone");
  request.set_validate_only(true);
  request.mutable_options()->set_push_non_existent_leads_to_unprocessed_list(
      true);
  BulkUpdateLeadsRequest expected = request;
  expected.mutable_leads()->DeleteSubrange(0, 1);
  expected.mutable_leads()->DeleteSubrange(1, 1);
  EXPECT_EQ(Part(request, {1, 2}).SerializeAsString(),
            expected.SerializeAsString());
}

}  // namespace
}  // namespace leadgateway::client
