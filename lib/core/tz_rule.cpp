// The variable TZ: "CET-1CEST,M3.5.0,M10.5.0/3".

#include "core/time_zone.hpp"

#include <algorithm>

namespace sluice {
namespace {

using std::chrono::seconds;

class RuleCursor {
 public:
  explicit RuleCursor(std::string_view text) : text_(text) {}
  bool done() const { return text_.empty(); }
  bool next_is(char c) const { return !text_.empty() && text_.front() == c; }
  bool skip(char c) {
    if (!next_is(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// "CET" or "<+03>".
  bool skip_name() {
    if (skip('<')) {
      const auto end = text_.find('>');
      if (end == std::string_view::npos) return false;
      text_.remove_prefix(end + 1);
      return true;
    }
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto end = std::find_if_not(text_.begin(), text_.end(), is_letter);
    const auto size = static_cast<std::size_t>(end - text_.begin());
    text_.remove_prefix(size);
    return size >= 3;
  }
  std::optional<int> number(int least, int most) {
    int value = 0;
    std::size_t digits = 0;
    for (; digits < text_.size() && digits < 4 && text_[digits] >= '0' && text_[digits] <= '9'; ++digits)
      value = value * 10 + (text_[digits] - '0');
    text_.remove_prefix(digits);
    if (digits == 0 || value < least || value > most) return std::nullopt;
    return value;
  }
  /// [+-]hh[:mm[:ss]]
  std::optional<seconds> time() {
    const bool negative = skip('-');
    if (!negative) skip('+');
    const auto hours = number(0, 167);
    if (!hours) return std::nullopt;
    seconds total = std::chrono::hours(*hours);
    for (const seconds unit : {seconds(60), seconds(1)}) {
      if (!skip(':')) break;
      const auto part = number(0, 59);
      if (!part) return std::nullopt;
      total += *part * unit;
    }
    return negative ? -total : total;
  }

 private:
  std::string_view text_;
};

std::optional<TzRule::Date> read_rule_date(RuleCursor& cursor) {
  using Kind = TzRule::Date::Kind;
  TzRule::Date date;
  if (!cursor.skip(',')) return std::nullopt;
  if (cursor.skip('M')) {
    const auto month = cursor.number(1, 12);
    if (!month || !cursor.skip('.')) return std::nullopt;
    const auto week = cursor.number(1, 5);
    if (!week || !cursor.skip('.')) return std::nullopt;
    const auto day = cursor.number(0, 6);
    if (!day) return std::nullopt;
    date.month = *month;
    date.week = *week;
    date.day = *day;
  } else {
    date.kind = cursor.skip('J') ? Kind::julian : Kind::day_of_year;
    const auto day = date.kind == Kind::julian ? cursor.number(1, 365) : cursor.number(0, 365);
    if (!day) return std::nullopt;
    date.day = *day;
  }
  if (cursor.skip('/')) {
    const auto time = cursor.time();
    if (!time) return std::nullopt;
    date.time = *time;
  }
  return date;
}

}  // namespace

std::optional<TzRule> TzRule::parse(std::string_view text) {
  RuleCursor cursor(text);
  TzRule rule;
  if (!cursor.skip_name()) return std::nullopt;
  const auto west = cursor.time();  // POSIX counts offsets to the west
  if (!west) return std::nullopt;
  rule.offset = -*west;
  if (cursor.done()) return rule;
  Summer summer;
  if (!cursor.skip_name()) return std::nullopt;
  summer.offset = rule.offset + std::chrono::hours(1);
  if (!cursor.done() && !cursor.next_is(',')) {
    const auto summer_west = cursor.time();
    if (!summer_west) return std::nullopt;
    summer.offset = -*summer_west;
  }
  const auto begin = read_rule_date(cursor);
  if (!begin) return std::nullopt;
  const auto end = read_rule_date(cursor);
  if (!end || !cursor.done()) return std::nullopt;
  summer.begin = *begin;
  summer.end = *end;
  rule.summer = summer;
  return rule;
}

}  // namespace sluice
