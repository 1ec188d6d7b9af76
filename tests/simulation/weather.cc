#include "tests/simulation/weather.h"

#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/simulation/dice.h"

namespace leadgateway::simulation {
namespace {

struct Set {
  void operator()(Fate::Connection connection) { fate.connection = connection; }
  void operator()(Fate::Answer answer) { fate.answer = answer; }
  void operator()(Fate::Loss loss) { fate.loss = loss; }
  Fate& fate;
};

}  // namespace

Weather Weather::Draw(Dice& dice, absl::Duration horizon) {
  Weather weather;
  // One world in eight is calm, the others have a few troubles each.
  const double trouble = dice.Roll(8) == 0 ? 0 : 0.15 + 0.35 * dice.Unit();
  const auto sometimes = [&](double most) {
    const double share = dice.Unit();
    return dice.Chance(trouble) ? share * most : 0.0;
  };
  weather.way = dice.Between(absl::Microseconds(100), absl::Milliseconds(60));
  weather.way_noise =
      dice.Between(absl::ZeroDuration(), absl::Milliseconds(40));
  weather.handling_least =
      dice.Between(absl::ZeroDuration(), absl::Milliseconds(100));
  weather.handling_most =
      weather.handling_least +
      dice.Between(absl::ZeroDuration(), absl::Milliseconds(300));
  weather.moment = dice.Roll(3);
  weather.slow = sometimes(0.1);
  weather.slow_most = dice.Between(absl::Seconds(1), absl::Seconds(60));

  weather.new_connection = dice.Unit();
  weather.refused = sometimes(0.2);
  weather.never_made = sometimes(0.1);
  weather.lost_before = sometimes(0.2);
  weather.lost_after = sometimes(0.2);
  weather.silent = dice.Unit();
  weather.copied = sometimes(0.2);
  weather.proxy_gives_up = sometimes(0.2);
  weather.cut = sometimes(0.3);
  weather.cut_unnoticed = dice.Unit();
  weather.throttled = sometimes(0.3);
  weather.unauthorized = sometimes(0.005);
  weather.mx_refused = sometimes(0.2);
  weather.foreign_error = sometimes(0.2);
  weather.unavailable = sometimes(0.2);
  weather.page = sometimes(0.2);
  weather.empty = sometimes(0.1);
  weather.oversized = sometimes(0.1);

  const auto spell = [&](auto what, absl::Duration most) {
    if (!dice.Chance(trouble)) return;
    Spell drawn;
    drawn.from = dice.Between(absl::ZeroDuration(), horizon);
    drawn.to = drawn.from + dice.Between(absl::Milliseconds(100), most);
    drawn.what = what;
    weather.spells.push_back(drawn);
  };
  spell(Fate::Connection::kRefused, absl::Seconds(30));
  spell(Fate::Connection::kNeverMade, absl::Seconds(30));
  spell(Fate::Answer::kThrottled, absl::Seconds(20));
  if (dice.Chance(0.3)) spell(Fate::Answer::kUnauthorized, absl::Seconds(20));
  spell(Fate::Answer::kUnavailable, absl::Seconds(30));
  spell(Fate::Loss::kBefore, absl::Seconds(10));
  spell(Fate::Loss::kAfter, absl::Seconds(10));

  Manners& manners = weather.manners;
  manners.echo = static_cast<Manners::Echo>(dice.Roll(6));
  manners.shuffle = dice.Chance(0.5);
  manners.omits = sometimes(0.2);
  manners.skips = sometimes(0.2);
  manners.strangers = sometimes(0.5);
  manners.contradicts = sometimes(0.1);
  manners.wrong_counts = sometimes(0.5);
  manners.unknown_fails_call = dice.Chance(0.5);
  if (dice.Chance(0.5)) manners.prospect_id = "ProspectId";
  return weather;
}

Fate Weather::DrawFate(Dice& dice, absl::Time now, absl::Time start) const {
  Fate fate;
  if (dice.Chance(new_connection)) fate.connection = Fate::Connection::kNew;
  fate.connecting = 2 * way;
  fate.there = way + dice.Between(absl::ZeroDuration(), way_noise);
  fate.back = way + dice.Between(absl::ZeroDuration(), way_noise);
  fate.handling = dice.Between(handling_least, handling_most);
  if (dice.Chance(slow)) {
    fate.handling += dice.Between(absl::ZeroDuration(), slow_most);
  }
  fate.moment = moment == 2 ? dice.Unit() : moment;
  double point = dice.Unit();
  const auto falls = [&](double probability) {
    const bool here = point >= 0 && point < probability;
    point -= probability;
    return here;
  };
  if (falls(refused)) fate.connection = Fate::Connection::kRefused;
  if (falls(never_made)) fate.connection = Fate::Connection::kNeverMade;
  if (falls(lost_before)) fate.loss = Fate::Loss::kBefore;
  if (falls(lost_after)) fate.loss = Fate::Loss::kAfter;
  fate.silent = dice.Chance(silent);
  fate.copied = dice.Chance(copied);
  if (dice.Chance(proxy_gives_up)) fate.proxy_gives_up = dice.Unit();
  point = dice.Unit();
  if (falls(throttled)) fate.answer = Fate::Answer::kThrottled;
  if (falls(unauthorized)) fate.answer = Fate::Answer::kUnauthorized;
  if (falls(mx_refused)) fate.answer = Fate::Answer::kRefused;
  if (falls(foreign_error)) fate.answer = Fate::Answer::kForeignError;
  if (falls(unavailable)) fate.answer = Fate::Answer::kUnavailable;
  if (falls(page)) fate.answer = Fate::Answer::kGatewayPage;
  if (falls(empty)) fate.answer = Fate::Answer::kEmpty;
  if (falls(oversized)) fate.answer = Fate::Answer::kOversized;
  fate.applies = dice.Chance(0.5);
  if (dice.Chance(cut)) fate.cut = dice.Unit();
  fate.cut_unnoticed = dice.Chance(cut_unnoticed);
  for (const Spell& spell : spells) {
    if (now - start < spell.from || now - start >= spell.to) continue;
    std::visit(Set{fate}, spell.what);
  }
  return fate;
}

std::string Weather::ToString() const {
  std::string text = absl::StrCat("way ", absl::FormatDuration(way));
  const auto add = [&](const char* name, double probability) {
    if (probability > 0) absl::StrAppend(&text, ", ", name, " ", probability);
  };
  add("slow", slow);
  add("refused", refused);
  add("never_made", never_made);
  add("lost_before", lost_before);
  add("lost_after", lost_after);
  add("copied", copied);
  add("proxy_gives_up", proxy_gives_up);
  add("cut", cut);
  add("throttled", throttled);
  add("unauthorized", unauthorized);
  add("mx_refused", mx_refused);
  add("foreign_error", foreign_error);
  add("unavailable", unavailable);
  add("page", page);
  add("empty", empty);
  add("oversized", oversized);
  add("omits", manners.omits);
  add("skips", manners.skips);
  add("strangers", manners.strangers);
  add("contradicts", manners.contradicts);
  add("wrong_counts", manners.wrong_counts);
  if (!spells.empty()) absl::StrAppend(&text, ", ", spells.size(), " spells");
  return text;
}

}  // namespace leadgateway::simulation
