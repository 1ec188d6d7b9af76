#include "gateway/admin/status_page.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/admin/activity.h"
#include "gateway/admin/html.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/model/outcome.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leadgateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

AccountView NewAccount(const std::string& name) {
  AccountView view;
  view.gauges.account = name;
  view.gauges.state.limit_calls = 25;
  view.gauges.state.configured_calls = 25;
  view.gauges.state.limit_window = absl::Seconds(5);
  view.gauges.state.calls_free = 25;
  view.activity.resize(Activity::kSlices);
  view.base_url = "https://api.leadsquared.com";
  return view;
}

dispatch::AccountState::Caller NewCaller(const std::string& name, int leads) {
  dispatch::AccountState::Caller caller;
  caller.name = name;
  caller.leads = leads;
  return caller;
}

StatusView Of(std::vector<AccountView> accounts) {
  StatusView view;
  view.now = absl::FromUnixSeconds(1'700'000'000);
  view.listen = "127.0.0.1:50051";
  view.ready = true;
  view.ready_text = "serving";
  view.accounts = std::move(accounts);
  return view;
}

int CountOf(const std::string& text, absl::string_view part) {
  return static_cast<int>(
      std::vector<std::string>(absl::StrSplit(text, std::string(part))).size() -
      1);
}

TEST(EscapeHtml, LeavesNothingThatEndsAnElementOrAnAttribute) {
  EXPECT_EQ(EscapeHtml("<b a=\"x\" b='y'>&amp;"),
            "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
  EXPECT_EQ(EscapeHtml("Zürich 東京"), "Zürich 東京");
  EXPECT_EQ(EscapeHtml(std::string("a\0b\x7f\x80\xff", 6)),
            "a&#65533;b&#65533;&#65533;&#65533;");
  // A direction override makes a name look like another.
  EXPECT_EQ(EscapeHtml("a\u202Eb\u200Bc\u2028d"),
            "a&#65533;b&#65533;c&#65533;d");
  // Cut short.
  EXPECT_EQ(EscapeHtml("\xE6\x9D"), "&#65533;&#65533;");
}

TEST(Words, OfNumbersAndDurationsAreShort) {
  EXPECT_EQ(GroupedNumber(0), "0");
  EXPECT_EQ(GroupedNumber(999), "999");
  EXPECT_EQ(GroupedNumber(1000), "1,000");
  EXPECT_EQ(GroupedNumber(-1234567), "-1,234,567");
  EXPECT_EQ(RoughDuration(absl::Seconds(-1)), "0 ms");
  EXPECT_EQ(RoughDuration(absl::Milliseconds(850)), "850 ms");
  EXPECT_EQ(RoughDuration(absl::Seconds(59)), "59 s");
  EXPECT_EQ(RoughDuration(absl::Seconds(200)), "3 min 20 s");
  EXPECT_EQ(RoughDuration(absl::Minutes(125)), "2 h 5 min");
  EXPECT_EQ(RoughDuration(absl::Hours(48)), "2 d");
  EXPECT_EQ(RoughDuration(absl::InfiniteDuration()), "forever");
}

TEST(StatusPage, DrawsEachSlotOfTheWindow) {
  AccountView view = NewAccount("acme");
  view.gauges.state.calls_held = 18;
  view.gauges.state.calls_under_way = 3;
  view.gauges.state.calls_free = 5;  // two are left to others
  const std::string page = StatusPage(Of({view}));
  EXPECT_EQ(CountOf(page, "<i class=\"busy\"></i>"), 3 + 1);  // and the legend
  EXPECT_EQ(CountOf(page, "<i class=\"held\"></i>"), 15 + 1);
  EXPECT_EQ(CountOf(page, "<i class=\"free\"></i>"), 5 + 1);
  EXPECT_EQ(CountOf(page, "<i class=\"away\"></i>"), 2 + 1);
}

TEST(StatusPage, DrawsManySlotsAsBars) {
  AccountView view = NewAccount("acme");
  view.gauges.state.limit_calls = 10'000;
  view.gauges.state.calls_held = 2'000;
  view.gauges.state.calls_free = 8'000;
  const std::string page = StatusPage(Of({view}));
  EXPECT_THAT(page, HasSubstr("flex-grow:2000"));
  EXPECT_THAT(page, HasSubstr("flex-grow:8000"));
  EXPECT_LT(page.size(), 30'000);
}

TEST(StatusPage, TellsHowTheAccountStands) {
  AccountView view = NewAccount("acme");
  view.gauges.state.leads_queued = 12'345;
  view.gauges.state.callers = {NewCaller("billing", 12'000),
                               NewCaller("import", 345)};
  view.gauges.state.limit_calls = 10;
  view.gauges.state.limit_learned = true;
  view.gauges.state.throttles = 2;
  view.throttled_ago = absl::Seconds(200);
  view.gauges.catalogue_age = absl::Minutes(7);
  view.gauges.daily_calls = 10'000;
  view.gauges.state.calls_today = 4'321;
  view.activity[10].results[static_cast<size_t>(Outcome::kUpdated)] = 1'200;
  view.activity[10].results[static_cast<size_t>(Outcome::kUnknown)] = 7;
  view.activity[10].calls = 50;
  view.activity[10].leads_sent = 1'207;
  const std::string page = StatusPage(Of({view}));
  for (const char* text :
       {"12,345", "billing", "12,000", "learned from LeadSquared",
        "10 calls in any 5 s", "3 min 20 s", "7 min", "of 10,000", "4,321",
        "updated <b>1,200</b>", "unknown <b>7</b>",
        "1,200 updated, 7 unknown, 8 min 10 s ago", "mean <b>24.1</b>",
        "top: 150 leads a second"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
}

TEST(StatusPage, SaysWhyNothingIsSentAndShowsThatAccountFirst) {
  AccountView well = NewAccount("alpha");
  AccountView ill = NewAccount("zeta");
  ill.gauges.state.block = dispatch::Block::kKeys;
  ill.gauges.state.blocked = "LeadSquared refuses the gateway's keys";
  const std::string page = StatusPage(Of({well, ill}));
  EXPECT_THAT(page, HasSubstr("<span class=\"pill bad\">keys refused</span>"));
  EXPECT_THAT(page, HasSubstr("<p class=\"why\">LeadSquared refuses the "
                              "gateway&#39;s keys</p>"));
  EXPECT_LT(page.find("<section id=\"zeta\""),
            page.find("<section id=\"alpha\""));
}

TEST(StatusPage, SaysThatTheLoopIsStuck) {
  StatusView view = Of({});
  view.accounts.reset();
  view.loop_silent_for = absl::Seconds(75);
  EXPECT_THAT(StatusPage(view),
              AllOf(HasSubstr("stuck"), HasSubstr("1 min 15 s")));
}

TEST(StatusPage, StaysSmallHoweverManyAccountsAndCallersThereAre) {
  std::vector<AccountView> accounts;
  for (int i = 0; i < 500; ++i) {
    accounts.push_back(NewAccount(absl::StrCat("account-", i)));
    for (int j = 0; j < 1000; ++j) {
      accounts.back().gauges.state.callers.push_back(
          NewCaller(absl::StrCat("caller-", j), 1));
    }
  }
  const std::string page = StatusPage(Of(accounts));
  EXPECT_EQ(CountOf(page, "<section id="), kMostPanels);
  EXPECT_THAT(page, HasSubstr("href=\"/?account=account-499\""));
  EXPECT_THAT(page, HasSubstr("990 others"));
  EXPECT_LT(page.size(), 500'000);
  EXPECT_EQ(CountOf(StatusPage(Of(accounts), "account-499"), "<section id="),
            1);
}

// Callers name themselves, and whoever names himself may mean harm. What the
// page is made of must not change: no element, no attribute more than with a
// harmless name.
TEST(StatusPage, IsTheSameHtmlWhateverCallersCallThemselves) {
  const auto page_with = [](const std::string& name) {
    AccountView view = NewAccount("acme");
    view.gauges.state.callers = {NewCaller(name, 5)};
    view.gauges.state.block = dispatch::Block::kUpstream;
    view.gauges.state.blocked = name;
    view.base_url = name;
    StatusView status = Of({view});
    status.listen = name;
    return StatusPage(status);
  };
  // Everything but the text between elements.
  const auto skeleton = [](const std::string& page) {
    std::string tags;
    bool inside = false;
    for (const char c : page) {
      if (c == '<') inside = true;
      if (inside) tags += c;
      if (c == '>') inside = false;
    }
    return tags;
  };
  const std::string harmless = skeleton(page_with("billing"));
  for (const std::string& name :
       {std::string("<script>alert(1)</script>"),
        std::string("\"><img src=x onerror=alert(1)>"),
        std::string("' onmouseover='alert(1)"), std::string("</td></table>"),
        std::string("</style><style>*{display:none}"), std::string("<!--"),
        std::string("]]>"), std::string("&lt;script&gt;"),
        std::string("\0<b>\xff\xfe", 6), std::string("javascript:alert(1)"),
        std::string(100'000, '<')}) {
    const std::string page = page_with(name);
    EXPECT_EQ(skeleton(page), harmless) << name.substr(0, 50);
    EXPECT_THAT(page, Not(HasSubstr("<script")));
    EXPECT_FALSE(absl::StrContains(page, absl::string_view("\0", 1)));
  }
}

// Nothing that a browser would have to fetch or run.
TEST(StatusPage, NeedsNoScriptAndNoOtherFile) {
  const std::string page = StatusPage(Of({NewAccount("acme")}));
  for (const char* text : {"<script", "src=", "url(", "@import", "<link",
                           "javascript:", "onload", "http://"}) {
    EXPECT_THAT(page, Not(HasSubstr(text)));
  }
  EXPECT_THAT(page, HasSubstr("http-equiv=\"refresh\""));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
}

}  // namespace
}  // namespace leadgateway
