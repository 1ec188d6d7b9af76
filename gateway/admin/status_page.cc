#include "gateway/admin/status_page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/admin/activity.h"
#include "gateway/admin/html.h"
#include "gateway/admin/metrics.h"
#include "gateway/dispatch/account_dispatcher.h"
#include "gateway/model/limits.h"
#include "gateway/model/outcome.h"

namespace leadgateway {
namespace {

using dispatch::AccountState;
using dispatch::Block;

constexpr int kRefreshSeconds = 5;
// A window with more slots is drawn as bars instead of single slots.
constexpr int kMostSlots = 100;

// Colours are named once for light and once for dark; everything else refers to
// them. Numbers share one width so that they do not dance when they change.
constexpr absl::string_view kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #f3f5f7; --card: #ffffff; --text: #1a1f26; --soft: #5a6572;
  --line: #dfe4e9; --track: #e9edf1;
  --busy: #1f5fd0; --held: #9dbcf3; --free: #e9edf1; --away: #d3d9df;
  --good: #1c7c4a; --warn: #8a5a00; --bad: #b3261e;
  --good-soft: #e0f3e8; --warn-soft: #fdf0d3; --bad-soft: #fce4e2;
  --updated: #2f9e68; --failed: #d64a41; --unprocessed: #6d83a6;
  --invalid: #dd9d22; --not_sent: #a4adb8; --unknown: #a347c9; --valid: #57b8c4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --card: #171c23; --text: #e4e8ed; --soft: #97a3b0;
    --line: #29313b; --track: #222932;
    --busy: #6ea4ff; --held: #31528c; --free: #222932; --away: #3a434e;
    --good: #6ed6a0; --warn: #f0c063; --bad: #ff8f86;
    --good-soft: #17382a; --warn-soft: #3d300f; --bad-soft: #46211f;
    --updated: #3fb87c; --failed: #ec6a61; --unprocessed: #8299bf;
    --invalid: #e4ac3d; --not_sent: #77828f; --unknown: #c57be6;
    --valid: #58b9c6;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
        "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main, header, footer { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header {
  display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px;
  padding-top: 22px; padding-bottom: 16px;
}
h1 a { text-decoration: none; }
h1 { font-size: 20px; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
header .about { color: var(--soft); font-size: 13px; }
header nav { margin-left: auto; font-size: 13px; display: flex; gap: 14px; }
a { color: inherit; text-decoration-color: var(--away);
    text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }
.pill {
  display: inline-block; padding: 2px 10px; border-radius: 99px;
  font-size: 12.5px; font-weight: 600; line-height: 1.5;
}
.pill.good { color: var(--good); background: var(--good-soft); }
.pill.warn { color: var(--warn); background: var(--warn-soft); }
.pill.bad { color: var(--bad); background: var(--bad-soft); }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px 20px; margin-bottom: 18px;
}
section > .top {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 12px;
  margin-bottom: 16px;
}
h2 { font-size: 17px; line-height: 1.3; margin: 0; letter-spacing: -.005em;
     overflow-wrap: anywhere; }
h3 { font-size: 13px; font-weight: 600; margin: 0; }
.top .host { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.top .pill { margin-left: auto; align-self: center; }
.why { margin: -6px 0 16px; font-size: 14px; overflow-wrap: anywhere; }
.line { display: flex; flex-wrap: wrap; justify-content: space-between;
        align-items: baseline; gap: 0 12px; margin-bottom: 6px; }
.line span, .axis { color: var(--soft); font-size: 12.5px; }
.strip { display: flex; gap: 3px; height: 22px; }
.strip i { flex: 1 1 0; min-width: 2px; border-radius: 3px; }
.strip.many { gap: 0; border-radius: 4px; overflow: hidden; }
.strip.many i { border-radius: 0; min-width: 0; }
.busy { background: var(--busy); }
.held { background: var(--held); }
.free { background: var(--free); box-shadow: inset 0 0 0 1px var(--line); }
.away { background: repeating-linear-gradient(135deg, var(--away) 0 2px,
        var(--card) 2px 5px); box-shadow: inset 0 0 0 1px var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 8px 0 0;
          padding: 0; list-style: none; font-size: 12.5px;
          color: var(--soft); }
.legend i { display: inline-block; width: 10px; height: 10px; margin-right: 6px;
            border-radius: 2px; vertical-align: -1px; }
.legend b { color: var(--text); font-weight: 600; }
dl {
  display: grid; grid-template-columns: repeat(7, auto);
  justify-content: space-between;
  gap: 14px 18px; margin: 18px 0; padding: 14px 0;
  border-top: 1px solid var(--line); border-bottom: 1px solid var(--line);
}
dt { color: var(--soft); font-size: 12.5px; }
dd { margin: 1px 0 0; font-size: 18px; font-weight: 600; line-height: 1.3;
     letter-spacing: -.01em; }
dd small { display: block; font-size: 12.5px; font-weight: 400;
           letter-spacing: 0; color: var(--soft); }
.plots { display: grid; grid-template-columns: 3fr 2fr; gap: 20px 28px; }
figure { margin: 0; min-width: 0; }
.plot { position: relative; border-bottom: 1px solid var(--away); }
.plot::before {
  content: ""; position: absolute; inset: 0 0 auto 0;
  border-top: 1px dashed var(--line);
}
.plot svg { display: block; width: 100%; height: 84px; }
.axis { display: flex; justify-content: space-between; margin-top: 3px;
        font-size: 12px; }
.now { opacity: .5; }
.f-updated { fill: var(--updated); background: var(--updated); }
.f-failed { fill: var(--failed); background: var(--failed); }
.f-unprocessed { fill: var(--unprocessed); background: var(--unprocessed); }
.f-invalid { fill: var(--invalid); background: var(--invalid); }
.f-not_sent { fill: var(--not_sent); background: var(--not_sent); }
.f-unknown { fill: var(--unknown); background: var(--unknown); }
.f-valid { fill: var(--valid); background: var(--valid); }
.f-calls { fill: var(--busy); background: var(--busy); }
.f-hit { fill: transparent; }
.callers { margin-top: 20px; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { text-align: left; font-weight: 400; font-size: 12.5px;
     color: var(--soft); }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
td.n, th.n { text-align: right; white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
td.name { overflow-wrap: anywhere; min-width: 8em; }
td.bar { width: 45%; }
.bar div { height: 8px; border-radius: 4px; background: var(--track);
           overflow: hidden; }
.bar div i { display: block; height: 100%; min-width: 2px;
             background: var(--busy); }
.none { color: var(--soft); font-size: 13px; margin: 6px 0 0; }
.wide { overflow-x: auto; }
footer { color: var(--soft); font-size: 12.5px; padding-bottom: 28px; }
@media (max-width: 960px) {
  dl { grid-template-columns: repeat(4, 1fr); }
}
@media (max-width: 640px) {
  main, header, footer { padding-left: 12px; padding-right: 12px; }
  header nav { margin-left: 0; width: 100%; }
  section { padding: 14px 14px 16px; }
  .plots { grid-template-columns: 1fr; }
  .strip { gap: 2px; }
  dl { grid-template-columns: repeat(2, 1fr); gap: 12px 14px; }
  .top .pill { margin-left: 0; }
}
)css";

std::string Pill(absl::string_view kind, absl::string_view text) {
  return absl::StrCat("<span class=\"pill ", kind, "\">", EscapeHtml(text),
                      "</span>");
}

std::string AccountPill(const AccountState& state) {
  switch (state.block) {
    case Block::kNone:
      return state.leads_queued + state.leads_in_flight > 0
                 ? Pill("good", "sending")
                 : Pill("good", "ready");
    case Block::kThrottle:
      return Pill("warn", "throttled");
    case Block::kBudget:
      return Pill("warn", "budget spent");
    case Block::kDraining:
      return Pill("warn", "draining");
    case Block::kKeys:
      return Pill("bad", "keys refused");
    case Block::kUpstream:
      return Pill("bad", "no answers");
  }
  return "";
}

// "N leads", "1 lead".
std::string Count(int64_t count, absl::string_view noun) {
  return absl::StrCat(GroupedNumber(count), " ", noun, count == 1 ? "" : "s");
}

void AddLegend(std::string& out, absl::string_view classes,
               absl::string_view text, int64_t count) {
  absl::StrAppend(&out, "<li><i class=\"", classes, "\"></i>", text, " <b>",
                  GroupedNumber(count), "</b></li>");
}

// The window's slots: calls under way, calls that the window still holds, free
// ones, and those that the gateway does not take (left to others on the
// account, or all of them in a pause).
void AddAllowance(std::string& out, const AccountState& state) {
  const int under_way = std::max(0, state.calls_under_way);
  const int held = std::max(0, state.calls_held - under_way);
  const int free = std::max(0, state.calls_free);
  const int slots = std::max(state.limit_calls, under_way + held + free);
  const int away = slots - under_way - held - free;

  absl::StrAppend(&out, "<div class=\"line\"><h3>Allowance</h3><span>",
                  Count(state.limit_calls, "call"), " in any ",
                  RoughDuration(state.limit_window),
                  state.limit_learned
                      ? absl::StrCat(", learned from LeadSquared (configured: ",
                                     GroupedNumber(state.configured_calls), ")")
                      : std::string(),
                  "</span></div>");
  const std::pair<absl::string_view, int> parts[] = {
      {"busy", under_way}, {"held", held}, {"free", free}, {"away", away}};
  absl::StrAppend(&out, "<div class=\"strip", slots > kMostSlots ? " many" : "",
                  "\" role=\"img\" aria-label=\"", under_way, " under way, ",
                  held, " held, ", free, " free\">");
  for (const auto& [name, count] : parts) {
    if (slots > kMostSlots) {
      if (count > 0) {
        absl::StrAppend(&out, "<i class=\"", name,
                        "\" style=\"flex-grow:", count, "\"></i>");
      }
      continue;
    }
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&out, "<i class=\"", name, "\"></i>");
    }
  }
  out += "</div><ul class=\"legend\">";
  AddLegend(out, "busy", "under way", under_way);
  AddLegend(out, "held", "held until the window has passed", held);
  AddLegend(out, "free", "free", free);
  if (away > 0) AddLegend(out, "away", "not taken now", away);
  out += "</ul>";
}

void AddFigure(std::string& out, absl::string_view name,
               absl::string_view value, absl::string_view note = "") {
  absl::StrAppend(&out, "<div><dt>", name, "</dt><dd>", value);
  if (!note.empty()) absl::StrAppend(&out, "<small>", note, "</small>");
  out += "</dd></div>";
}

void AddFigures(std::string& out, const AccountView& view) {
  const AccountState& state = view.gauges.state;
  out += "<dl>";
  AddFigure(out, "Leads that wait", GroupedNumber(state.leads_queued),
            absl::StrCat("of ", GroupedNumber(view.gauges.queue_limit_leads)));
  AddFigure(out, "Leads in flight", GroupedNumber(state.leads_in_flight),
            absl::StrCat("in ", Count(state.calls_under_way, "call")));
  AddFigure(out, "Leads per call",
            state.mean_leads_per_call > 0
                ? absl::StrFormat("%.1f", state.mean_leads_per_call)
                : "&ndash;",
            "in the last window");
  AddFigure(out, "Calls today", GroupedNumber(state.calls_today),
            view.gauges.daily_calls > 0
                ? absl::StrCat("of ", GroupedNumber(view.gauges.daily_calls))
                : "no budget");
  AddFigure(out, "Last throttle",
            view.throttled_ago ? RoughDuration(*view.throttled_ago) : "never",
            view.throttled_ago
                ? absl::StrCat("ago; ", GroupedNumber(state.throttles),
                               " since the start")
                : "since the start");
  if (!view.gauges.schema_checks) {
    AddFigure(out, "Field list", "off", "leads are not checked");
  } else if (view.gauges.catalogue_age) {
    AddFigure(out, "Field list", RoughDuration(*view.gauges.catalogue_age),
              "old");
  } else {
    AddFigure(out, "Field list", "none yet", "requests wait for it");
  }
  AddFigure(out, "Keys", absl::StrCat("#", view.gauges.credential_generation),
            view.gauges.credential_generation <= 1 ? "as read at the start"
                                                   : "replaced while running");
  out += "</dl>";
}

// The least round number that is not below `most`, and at least 0.1.
double NiceTop(double most) {
  double unit = 0.1;
  while (true) {
    for (const double step : {1.0, 1.5, 2.0, 3.0, 5.0}) {
      if (step * unit >= most) return step * unit;
    }
    unit *= 10;
  }
}

constexpr double kPlotHeight = 84;
constexpr double kSliceWidth = 10;
constexpr double kBarWidth = 8;

void AddBar(std::string& path, size_t slice, double from, double to) {
  if (to <= from) return;
  absl::StrAppendFormat(&path, "M%g %.1fh%gv%.1fh-%gz",
                        static_cast<double>(slice) * kSliceWidth + 1,
                        kPlotHeight * (1 - to), kBarWidth,
                        kPlotHeight * (to - from), kBarWidth);
}

void AddPath(std::string& out, absl::string_view name, const std::string& path,
             bool now) {
  if (path.empty()) return;
  absl::StrAppend(&out, "<path class=\"f-", name, now ? " now" : "", "\" d=\"",
                  path, "\"/>");
}

// One bar a slice. `shares(slice)` gives for each of `names` how much of the
// plot's height it takes; `hint(slice)` what a pointer on it is told, "" for
// nothing.
template <typename Shares, typename Hint>
void AddPlot(std::string& out, const std::vector<std::string>& names,
             const std::vector<Activity::Slice>& slices,
             absl::string_view label, Shares shares, Hint hint) {
  absl::StrAppendFormat(
      &out,
      "<div class=\"plot\"><svg viewBox=\"0 0 %g %g\" "
      "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%s\">",
      static_cast<double>(slices.size()) * kSliceWidth, kPlotHeight,
      EscapeHtml(label));
  // The last slice is not over: it is drawn paler.
  std::vector<std::string> paths(names.size());
  std::vector<std::string> last(names.size());
  for (size_t i = 0; i < slices.size(); ++i) {
    const std::vector<double> parts = shares(slices[i]);
    double from = 0;
    for (size_t j = 0; j < names.size(); ++j) {
      AddBar(i + 1 == slices.size() ? last[j] : paths[j], i, from,
             from + parts[j]);
      from += parts[j];
    }
  }
  for (size_t j = 0; j < names.size(); ++j) {
    AddPath(out, names[j], paths[j], false);
    AddPath(out, names[j], last[j], true);
  }
  for (size_t i = 0; i < slices.size(); ++i) {
    const std::string text = hint(slices[i]);
    if (text.empty()) continue;
    absl::StrAppendFormat(
        &out,
        "<rect class=\"f-hit\" x=\"%g\" y=\"0\" width=\"%g\" height=\"%g\">"
        "<title>%s, %s ago</title></rect>",
        static_cast<double>(i) * kSliceWidth, kSliceWidth, kPlotHeight, text,
        RoughDuration(Activity::kSlice *
                      static_cast<int64_t>(slices.size() - 1 - i)));
  }
  out += "</svg></div>";
  absl::StrAppend(
      &out, "<div class=\"axis\"><span>",
      RoughDuration(Activity::kSlice * static_cast<int64_t>(slices.size())),
      " ago</span><span>now</span></div>");
}

std::string OutcomeWords(Outcome outcome) {
  std::string words = OutcomeLabel(outcome);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

void AddOutcomes(std::string& out, const AccountView& view) {
  std::array<int64_t, kOutcomeCount> totals = {};
  int64_t most = 0;
  for (const Activity::Slice& slice : view.activity) {
    int64_t sum = 0;
    for (size_t i = 0; i < totals.size(); ++i) {
      totals[i] += slice.results[i];
      sum += slice.results[i];
    }
    most = std::max(most, sum);
  }
  const double slice_seconds = absl::ToDoubleSeconds(Activity::kSlice);
  const double top = NiceTop(static_cast<double>(most) / slice_seconds);
  absl::StrAppend(&out, "<figure><div class=\"line\"><h3>Outcomes</h3><span>",
                  most == 0 ? std::string("no results lately")
                            : absl::StrFormat("top: %g leads a second", top),
                  "</span></div>");
  std::vector<std::string> names;
  for (int i = 0; i < kOutcomeCount; ++i) {
    names.push_back(OutcomeLabel(static_cast<Outcome>(i)));
  }
  AddPlot(
      out, names, view.activity, "results of the last minutes by outcome",
      [&](const Activity::Slice& slice) {
        std::vector<double> parts;
        for (const int64_t count : slice.results) {
          parts.push_back(static_cast<double>(count) / slice_seconds / top);
        }
        return parts;
      },
      [](const Activity::Slice& slice) {
        std::string text;
        for (int i = 0; i < kOutcomeCount; ++i) {
          const int64_t count = slice.results[static_cast<size_t>(i)];
          if (count == 0) continue;
          absl::StrAppend(&text, text.empty() ? "" : ", ", GroupedNumber(count),
                          " ", OutcomeWords(static_cast<Outcome>(i)));
        }
        return text;
      });
  out += "<ul class=\"legend\">";
  for (int i = 0; i < kOutcomeCount; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const int64_t total = totals[static_cast<size_t>(i)];
    // Only dry runs have these.
    if (outcome == Outcome::kValid && total == 0) continue;
    AddLegend(out, absl::StrCat("f-", OutcomeLabel(outcome)),
              OutcomeWords(outcome), total);
  }
  out += "</ul></figure>";
}

void AddLeadsPerCall(std::string& out, const AccountView& view) {
  int64_t calls = 0;
  int64_t leads = 0;
  int64_t throttles = 0;
  for (const Activity::Slice& slice : view.activity) {
    calls += slice.calls;
    leads += slice.leads_sent;
    throttles += slice.throttles;
  }
  absl::StrAppend(
      &out, "<figure><div class=\"line\"><h3>Leads per call</h3><span>full: ",
      kMaxLeadsPerCall, "</span></div>");
  AddPlot(
      out, {"calls"}, view.activity, "mean leads per call of the last minutes",
      [](const Activity::Slice& slice) {
        return std::vector<double>{
            slice.calls == 0
                ? 0
                : std::min(1.0, static_cast<double>(slice.leads_sent) /
                                    static_cast<double>(slice.calls) /
                                    kMaxLeadsPerCall)};
      },
      [](const Activity::Slice& slice) {
        if (slice.calls == 0) return std::string();
        return absl::StrCat(
            Count(slice.leads_sent, "lead"), " in ", Count(slice.calls, "call"),
            slice.throttles > 0
                ? absl::StrCat(", ", Count(slice.throttles, "throttle"))
                : std::string());
      });
  out += "<ul class=\"legend\">";
  AddLegend(out, "f-calls", "calls", calls);
  AddLegend(out, "f-failed", "throttles", throttles);
  absl::StrAppend(&out, "<li>mean <b>",
                  calls == 0
                      ? std::string("&ndash;")
                      : absl::StrFormat("%.1f", static_cast<double>(leads) /
                                                    static_cast<double>(calls)),
                  "</b></li></ul></figure>");
}

void AddCallers(std::string& out, const AccountState& state) {
  absl::StrAppend(&out,
                  "<div class=\"callers\"><div class=\"line\"><h3>Queue by "
                  "caller</h3>");
  if (!state.callers.empty()) {
    absl::StrAppend(&out, "<span>",
                    Count(static_cast<int64_t>(state.callers.size()), "caller"),
                    "</span>");
  }
  out += "</div>";
  if (state.callers.empty()) {
    out += "<p class=\"none\">No leads wait.</p></div>";
    return;
  }
  out +=
      "<table><thead><tr><th>Caller</th><th></th><th class=\"n\">Leads</th>"
      "</tr></thead><tbody>";
  const double longest = std::max(1, state.callers.front().leads);
  const size_t shown =
      std::min(state.callers.size(), static_cast<size_t>(kMostCallers));
  for (size_t i = 0; i < shown; ++i) {
    const AccountState::Caller& caller = state.callers[i];
    absl::StrAppend(&out, "<tr><td class=\"name\">", EscapeHtml(caller.name),
                    "</td><td class=\"bar\"><div><i style=\"width:",
                    absl::StrFormat("%.1f", 100 * caller.leads / longest),
                    "%\"></i></div></td><td class=\"n\">",
                    GroupedNumber(caller.leads), "</td></tr>");
  }
  if (shown < state.callers.size()) {
    int64_t rest = 0;
    for (size_t i = shown; i < state.callers.size(); ++i) {
      rest += state.callers[i].leads;
    }
    absl::StrAppend(
        &out, "<tr><td class=\"name\">",
        Count(static_cast<int64_t>(state.callers.size() - shown), "other"),
        "</td><td class=\"bar\"></td><td class=\"n\">", GroupedNumber(rest),
        "</td></tr>");
  }
  out += "</tbody></table></div>";
}

void AddAccount(std::string& out, const AccountView& view) {
  const AccountState& state = view.gauges.state;
  absl::StrAppend(&out, "<section id=\"", EscapeHtml(view.gauges.account),
                  "\"><div class=\"top\"><h2>", EscapeHtml(view.gauges.account),
                  "</h2><span class=\"host\">", EscapeHtml(view.base_url),
                  "</span>", AccountPill(state), "</div>");
  if (!state.blocked.empty()) {
    absl::StrAppend(&out, "<p class=\"why\">", EscapeHtml(state.blocked),
                    "</p>");
  }
  AddAllowance(out, state);
  AddFigures(out, view);
  out += "<div class=\"plots\">";
  AddOutcomes(out, view);
  AddLeadsPerCall(out, view);
  out += "</div>";
  AddCallers(out, state);
  out += "</section>";
}

// All accounts in a line each.
void AddOverview(std::string& out,
                 const std::vector<const AccountView*>& views) {
  out +=
      "<section><div class=\"top\"><h2>Accounts</h2></div><div class=\"wide\">"
      "<table><thead><tr><th>Account</th><th>State</th><th class=\"n\">Calls "
      "free</th><th class=\"n\">Leads that wait</th><th class=\"n\">Last "
      "throttle</th></tr></thead><tbody>";
  for (const AccountView* view : views) {
    const AccountState& state = view->gauges.state;
    const std::string name = EscapeHtml(view->gauges.account);
    absl::StrAppend(
        &out, "<tr><td class=\"name\"><a href=\"/?account=", name, "\">", name,
        "</a></td><td>", AccountPill(state), "</td><td class=\"n\">",
        GroupedNumber(state.calls_free), " of ",
        GroupedNumber(state.limit_calls), "</td><td class=\"n\">",
        GroupedNumber(state.leads_queued), "</td><td class=\"n\">",
        view->throttled_ago
            ? absl::StrCat(RoughDuration(*view->throttled_ago), " ago")
            : std::string("never"),
        "</td></tr>");
  }
  out += "</tbody></table></div></section>";
}

// Whom to look at first.
int Urgency(const AccountView& view) {
  switch (view.gauges.state.block) {
    case Block::kKeys:
    case Block::kUpstream:
      return 2;
    case Block::kBudget:
    case Block::kThrottle:
      return 1;
    case Block::kNone:
    case Block::kDraining:
      return 0;
  }
  return 0;
}

void AddAccounts(std::string& out, const std::vector<AccountView>& accounts,
                 const std::string& only) {
  std::vector<const AccountView*> views;
  for (const AccountView& view : accounts) {
    if (only.empty() || view.gauges.account == only) views.push_back(&view);
  }
  if (views.empty()) {
    out +=
        "<section><p class=\"none\">There is no such account. "
        "<a href=\"/\">All accounts</a></p></section>";
    return;
  }
  std::stable_sort(views.begin(), views.end(),
                   [](const AccountView* a, const AccountView* b) {
                     return Urgency(*a) > Urgency(*b);
                   });
  if (views.size() > 1) AddOverview(out, views);
  const size_t shown = std::min(views.size(), static_cast<size_t>(kMostPanels));
  for (size_t i = 0; i < shown; ++i) AddAccount(out, *views[i]);
}

}  // namespace

std::string StatusPage(const StatusView& view, const std::string& only) {
  std::string out;
  absl::StrAppend(
      &out,
      "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<meta http-equiv=\"refresh\" content=\"",
      kRefreshSeconds,
      "\"><meta name=\"robots\" content=\"noindex\"><title>Lead Gateway</title>"
      "<style>",
      kStyle,
      "</style></head><body><header><h1><a href=\"/\">Lead Gateway</a></h1>");
  if (!view.accounts) {
    out += Pill("bad", "stuck");
  } else {
    // Ready as a whole, and an account of it may not be.
    out += Pill(view.ready && view.ready_text == "ready" ? "good" : "warn",
                view.ready_text);
  }
  absl::StrAppend(
      &out, "<span class=\"about\">gRPC at ", EscapeHtml(view.listen),
      " &middot; up ", RoughDuration(view.uptime),
      "</span><nav><a href=\"/metrics\">metrics</a>"
      "<a href=\"/healthz\">healthz</a><a href=\"/readyz\">readyz</a></nav>"
      "</header><main>");
  if (view.accounts) {
    AddAccounts(out, *view.accounts, only);
  } else {
    absl::StrAppend(&out,
                    "<section><div class=\"top\"><h2>The dispatch loop is "
                    "stuck</h2></div><p class=\"none\">It has not come round "
                    "for ",
                    RoughDuration(view.loop_silent_for),
                    ", so nothing is sent and nothing is known of the "
                    "accounts. /healthz fails; a restart helps.</p></section>");
  }
  absl::StrAppend(
      &out, "</main><footer>",
      absl::FormatTime("%Y-%m-%d %H:%M:%S", view.now, absl::UTCTimeZone()),
      " UTC &middot; loads anew every ", kRefreshSeconds,
      " s</footer></body></html>\n");
  return out;
}

}  // namespace leadgateway
