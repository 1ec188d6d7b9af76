// docs/results.md has a line for each outcome and each reason, and gives the
// same advice as the catalogue.

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gateway/model/outcome.h"
#include "gateway/model/reason.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

std::string Page() {
  std::ifstream file("docs/results.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The table's row whose reason (or outcome) is `name`, "" without.
std::string RowOf(absl::string_view name) {
  const std::string page = Page();
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (absl::StartsWith(line, "|") &&
        absl::StrContains(line, absl::StrCat("| `", name, "` |"))) {
      return std::string(line);
    }
  }
  return "";
}

TEST(ResultsDocTest, HasALineForEachOutcome) {
  for (int i = 0; i < kOutcomeCount; ++i) {
    const absl::string_view name = OutcomeName(static_cast<Outcome>(i));
    EXPECT_NE(RowOf(name), "") << name;
  }
}

TEST(ResultsDocTest, HasALineForEachReasonWithTheCataloguesAdvice) {
  for (const ReasonInfo& info : AllReasons()) {
    const std::string row = RowOf(info.name);
    ASSERT_NE(row, "") << info.name << " has no line";
    // The last cell.
    const size_t cell = row.rfind(" | ");
    ASSERT_NE(cell, row.npos);
    const absl::string_view advice = absl::string_view(row).substr(cell + 3);
    EXPECT_EQ(absl::StartsWith(advice, "yes"), info.retry_helps) << info.name;
    EXPECT_EQ(absl::StartsWith(advice, "no"), !info.retry_helps) << info.name;
  }
}

}  // namespace
}  // namespace leadgateway
