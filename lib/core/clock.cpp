#include "core/clock.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace sluice {
namespace {

using std::chrono::microseconds;

/// Reads parts of a text from left to right; every read fails on a mismatch and then consumes nothing.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool done() const { return text_.empty(); }
  bool skip(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// Exactly `digits` decimal digits with a value of at most `most`.
  std::optional<int> number(std::size_t digits, int most) {
    if (text_.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_digit(text_[i])) return std::nullopt;
      value = value * 10 + (text_[i] - '0');
    }
    if (value > most) return std::nullopt;
    text_.remove_prefix(digits);
    return value;
  }
  /// One or more digits after a decimal point, in microseconds; what is finer is dropped.
  std::optional<microseconds> fraction() {
    if (text_.empty() || !is_digit(text_.front())) return std::nullopt;
    std::int64_t value = 0;
    std::int64_t unit = 100'000;
    for (; !text_.empty() && is_digit(text_.front()); text_.remove_prefix(1), unit /= 10)
      value += unit * (text_.front() - '0');
    return microseconds(value);
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

 private:
  std::string_view text_;
};

constexpr Time first_time{std::chrono::sys_days(std::chrono::year(0) / 1 / 1)};
constexpr Time end_of_times{std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1)};

std::optional<Time> read_date(Cursor& cursor) {
  const auto year = cursor.number(4, 9999);
  if (!year || !cursor.skip("-")) return std::nullopt;
  const auto month = cursor.number(2, 12);
  if (!month || !cursor.skip("-")) return std::nullopt;
  const auto day = cursor.number(2, 31);
  if (!day) return std::nullopt;
  const auto date = std::chrono::year(*year) / *month / *day;
  if (!date.ok()) return std::nullopt;
  return Time(std::chrono::sys_days(date));
}

std::optional<microseconds> read_time_of_day(Cursor& cursor) {
  const auto hour = cursor.number(2, 23);
  if (!hour || !cursor.skip(":")) return std::nullopt;
  const auto minute = cursor.number(2, 59);
  if (!minute || !cursor.skip(":")) return std::nullopt;
  const auto second = cursor.number(2, 60);  // 60 is a leap second (RFC 3339, section 5.6)
  if (!second) return std::nullopt;
  microseconds total =
      std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  if (!cursor.skip(".")) return total;
  const auto fraction = cursor.fraction();
  if (!fraction) return std::nullopt;
  return total + *fraction;
}

std::optional<microseconds> read_offset(Cursor& cursor) {
  if (cursor.skip("Zz")) return microseconds(0);
  const bool east = cursor.skip("+");
  if (!east && !cursor.skip("-")) return std::nullopt;
  const auto hours = cursor.number(2, 23);
  if (!hours || !cursor.skip(":")) return std::nullopt;
  const auto minutes = cursor.number(2, 59);
  if (!minutes) return std::nullopt;
  const microseconds offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return east ? offset : -offset;
}

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
/// Largest first: the order in which a duration must name them.
constexpr std::array<Unit, 5> units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::int64_t longest_duration = std::int64_t{100} * 365 * 86'400'000;

std::string date_and_time(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

Time SystemClock::now() const {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Steady SystemClock::steady() const {
  return std::chrono::steady_clock::now();
}

Task<> SystemClock::sleep_until(Steady at) {
  auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(executor, at);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

std::string format_time(Time time) {
  return date_and_time(time) + "Z";
}

std::string format_time_exact(Time time) {
  const auto fraction = time - std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{}.{:06}Z", date_and_time(time), fraction.count());
}

std::optional<Time> parse_time(std::string_view text) {
  Cursor cursor(text);
  const auto date = read_date(cursor);
  if (!date) return std::nullopt;
  if (cursor.done()) return date;
  if (!cursor.skip("Tt ")) return std::nullopt;
  const auto time = read_time_of_day(cursor);
  if (!time) return std::nullopt;
  const auto offset = read_offset(cursor);
  if (!offset || !cursor.done()) return std::nullopt;
  const Time at = *date + *time - *offset;
  // A leap second or an offset may lead out of the years that can be written.
  if (at < first_time || at >= end_of_times) return std::nullopt;
  return at;
}

std::string format_duration(microseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  const auto size = std::abs(seconds);
  return fmt::format("{}{:02}:{:02}:{:02}", seconds < 0 ? "-" : "", size / 3600, size / 60 % 60, size % 60);
}

std::optional<Milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return Milliseconds(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && Cursor::is_digit(text[digits]); ++digits) {
      count = count * 10 + (text[digits] - '0');
      if (count > longest_duration) return std::nullopt;
    }
    text.remove_prefix(digits);
    const auto name = text.substr(0, text.find_first_of("0123456789"));
    text.remove_prefix(name.size());
    while (next_unit < units.size() && units[next_unit].name != name)
      ++next_unit;
    if (digits == 0 || next_unit == units.size()) return std::nullopt;
    const auto& unit = units[next_unit++];
    if (count > (longest_duration - total) / unit.milliseconds) return std::nullopt;
    total += count * unit.milliseconds;
  }
  return Milliseconds(total);
}

}  // namespace sluice
