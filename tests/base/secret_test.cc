#include "gateway/base/secret.h"

#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <typename T>
concept ComparesWithText = requires(const T& value, const std::string& text) {
  value == text;
};
template <typename T>
concept Concatenates = requires(const T& value) {
  absl::StrCat(value);
};

// Nothing shows a key by accident.
static_assert(!Streamable<Secret>);
static_assert(!ComparesWithText<Secret>);
static_assert(!Concatenates<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<Secret, absl::string_view>);
static_assert(!std::is_convertible_v<Secret, const char*>);
static_assert(!std::is_convertible_v<Secret, bool>);
static_assert(!std::is_convertible_v<std::string, Secret>);
// The checks can tell: text has all of these.
static_assert(Streamable<std::string> && ComparesWithText<std::string> &&
              Concatenates<std::string>);

TEST(Secret, RevealsItsTextOnlyWhenAsked) {
  const Secret secret("u$r123");
  EXPECT_EQ(secret.Reveal(), "u$r123");
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, ComparesWithItsKind) {
  EXPECT_TRUE(Secret("a") == Secret("a"));
  EXPECT_FALSE(Secret("a") == Secret("b"));
}

TEST(Secret, IsEmptyOnceItHasBeenMovedFrom) {
  for (const std::string& text :
       {std::string("short"), std::string(100, 'x')}) {
    Secret from(text);
    Secret to(std::move(from));
    EXPECT_EQ(to.Reveal(), text);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move)
    Secret assigned("old");
    assigned = std::move(to);
    EXPECT_EQ(assigned.Reveal(), text);
    EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)
  }
}

TEST(Secret, SurvivesAssignmentToItself) {
  Secret secret("a");
  Secret& same = secret;
  secret = same;
  EXPECT_EQ(secret.Reveal(), "a");
  secret = std::move(same);
  EXPECT_EQ(secret.Reveal(), "a");
}

TEST(Secret, CopiesDoNotShareAnything) {
  Secret one("a");
  Secret two = one;
  one = Secret("b");
  EXPECT_EQ(two.Reveal(), "a");
  two = one;
  EXPECT_EQ(two.Reveal(), "b");
}

}  // namespace
}  // namespace leadgateway
