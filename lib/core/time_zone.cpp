#include "core/time_zone.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <iterator>

namespace sluice {
namespace {

using std::chrono::days;
using std::chrono::seconds;

// Offsets are within a day of Greenwich (RFC 8536, section 3.2), so nothing further away can matter.
constexpr auto reach = std::chrono::hours(26);
constexpr std::uint32_t most_rows = 20'000;

[[noreturn]] void no_tzif(const std::string& name, const char* why) {
  throw Error(ErrorKind::corrupt, "the file of the time zone " + name + " is no TZif file: " + why);
}

/// Numbers in network order, and the counts of one header (RFC 8536, section 3.1).
class TzifReader {
 public:
  TzifReader(const std::string& name, std::string_view bytes) : name_(name), bytes_(bytes) {}
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) no_tzif(name_, "it ends too early");
    const auto part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }
  std::int64_t number(std::size_t size) {
    std::uint64_t value = 0;
    const auto part = take(size);
    for (const char c : part)
      value = value << 8 | static_cast<unsigned char>(c);
    if (size == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
    return static_cast<std::int64_t>(value);
  }
  std::uint32_t count() {
    const auto value = static_cast<std::uint32_t>(number(4));
    if (value > most_rows) no_tzif(name_, "it has too many rows");
    return value;
  }
  std::string_view rest() const { return bytes_; }

 private:
  const std::string& name_;
  std::string_view bytes_;
};

struct TzifHeader {
  char version = 0;
  std::uint32_t utc_flags = 0, standard_flags = 0, leaps = 0, times = 0, types = 0, letters = 0;
  std::size_t body(std::size_t time_size) const {
    return std::size_t{times} * (time_size + 1) + std::size_t{types} * 6 + letters +
           std::size_t{leaps} * (time_size + 4) + standard_flags + utc_flags;
  }
};

TzifHeader read_header(TzifReader& reader, const std::string& name) {
  if (reader.take(4) != "TZif") no_tzif(name, "it does not begin with TZif");
  TzifHeader header;
  header.version = reader.take(1).front();
  reader.take(15);
  header.utc_flags = reader.count();
  header.standard_flags = reader.count();
  header.leaps = reader.count();
  header.times = reader.count();
  header.types = reader.count();
  header.letters = reader.count();
  if (header.types == 0) no_tzif(name, "it has no local time");
  if (header.leaps > 0) no_tzif(name, "it counts leap seconds; use the zone of the same name without right/");
  return header;
}

UtcSeconds instant(std::chrono::sys_days day, seconds time, seconds offset) {
  return UtcSeconds(day) + time - offset;
}

std::chrono::sys_days day_in(std::chrono::year year, const TzRule::Date& date) {
  using namespace std::chrono;
  const sys_days first(year / January / 1);
  if (date.kind == TzRule::Date::Kind::day_of_year) return first + days(date.day);
  // The 29th of February has no number.
  if (date.kind == TzRule::Date::Kind::julian)
    return first + days(date.day - 1 + (year.is_leap() && date.day >= 60 ? 1 : 0));
  const month in(static_cast<unsigned>(date.month));
  const weekday on(static_cast<unsigned>(date.day));
  if (date.week == 5) return sys_days(year / in / on[last]);
  return sys_days(year / in / on[static_cast<unsigned>(date.week)]);
}

}  // namespace

TimeZone TimeZone::utc() {
  TimeZone zone;
  zone.name_ = "UTC";
  return zone;
}

TimeZone TimeZone::parse(std::string name, std::string_view bytes) {
  TimeZone zone;
  zone.name_ = std::move(name);
  TzifReader reader(zone.name_, bytes);
  auto header = read_header(reader, zone.name_);
  std::size_t time_size = 4;
  if (header.version >= '2') {
    // The first block is for old readers; the same follows with 64 bits for each time.
    reader.take(header.body(4));
    header = read_header(reader, zone.name_);
    time_size = 8;
  }
  std::vector<std::int64_t> times;
  for (std::uint32_t i = 0; i < header.times; ++i)
    times.push_back(reader.number(time_size));
  if (!std::is_sorted(times.begin(), times.end())) no_tzif(zone.name_, "its times are not in order");
  const auto indices = reader.take(header.times);
  std::vector<seconds> offsets;
  for (std::uint32_t i = 0; i < header.types; ++i) {
    offsets.emplace_back(reader.number(4));
    if (std::chrono::abs(offsets.back()) > reach) no_tzif(zone.name_, "an offset is longer than a day");
    reader.take(2);
  }
  zone.before_ = offsets.front();
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto type = static_cast<unsigned char>(indices[i]);
    if (type >= offsets.size()) no_tzif(zone.name_, "it names a local time that it does not have");
    // "Big bang" times of old files would overflow what is computed with them.
    constexpr std::int64_t earliest = -1LL << 40;
    zone.changes_.push_back({UtcSeconds(seconds(std::max(times[i], earliest))), offsets[type]});
  }
  if (time_size == 4) return zone;
  reader.take(header.body(8) - header.times * std::size_t{9} - header.types * std::size_t{6});
  const auto footer = reader.rest();
  const auto end = footer.size() < 2 ? std::string_view::npos : footer.find('\n', 1);
  if (end == std::string_view::npos || footer.front() != '\n') no_tzif(zone.name_, "it has no footer");
  const auto rule = footer.substr(1, end - 1);
  if (rule.empty()) return zone;
  zone.after_ = TzRule::parse(rule);
  if (!zone.after_) no_tzif(zone.name_, "its footer is malformed");
  return zone;
}

// All changes that lie within `reach` of the time, the one before them and the one after them.
std::vector<TimeZone::Change> TimeZone::changes_around(UtcSeconds at) const {
  const auto earlier = [](const Change& change, UtcSeconds time) { return change.at < time; };
  auto first = std::lower_bound(changes_.begin(), changes_.end(), at - reach, earlier);
  auto last = std::lower_bound(first, changes_.end(), at + reach, earlier);
  if (first != changes_.begin()) --first;
  if (last != changes_.end()) ++last;
  std::vector<Change> found(first, last);
  if (!after_ || last != changes_.end()) return found;
  const auto listed = changes_.empty() ? UtcSeconds::min() : changes_.back().at;
  if (!after_->summer) {
    if (changes_.empty()) found.push_back({UtcSeconds(seconds(-1LL << 40)), after_->offset});
    return found;
  }
  const auto& summer = *after_->summer;
  const auto year = std::chrono::year_month_day(std::chrono::floor<days>(at)).year();
  std::vector<Change> ruled;
  for (int i = -2; i <= 2; ++i) {
    const auto of = year + std::chrono::years(i);
    ruled.push_back({instant(day_in(of, summer.begin), summer.begin.time, after_->offset), summer.offset});
    ruled.push_back({instant(day_in(of, summer.end), summer.end.time, summer.offset), after_->offset});
  }
  const auto by_time = [](const Change& a, const Change& b) { return a.at < b.at; };
  std::stable_sort(ruled.begin(), ruled.end(), by_time);
  for (const auto& change : ruled)
    if (change.at > listed) found.push_back(change);
  return found;
}

TimeZone::Stretch TimeZone::stretch(UtcSeconds at) const {
  Stretch here{UtcSeconds(seconds(-1LL << 41)), UtcSeconds(seconds(1LL << 41)), before_};
  for (const auto& change : changes_around(at)) {
    if (change.at > at) {
      here.end = change.at;
      break;
    }
    here.begin = change.at;
    here.offset = change.offset;
  }
  return here;
}

seconds TimeZone::offset(UtcSeconds at) const {
  return stretch(at).offset;
}

UtcSeconds TimeZone::first(Local wanted) const {
  const UtcSeconds as_utc(wanted.time_since_epoch());
  auto here = stretch(as_utc - reach);
  for (;;) {
    const auto shown = std::max(here.begin, as_utc - here.offset);
    if (shown < here.end) return shown;
    here = stretch(here.end);
  }
}

Local TimeZone::most_shown(UtcSeconds at) const {
  auto here = stretch(at);
  auto most = Local((at + here.offset).time_since_epoch());
  while (here.begin > at - reach) {
    const auto earlier = stretch(here.begin - seconds(1));
    most = std::max(most, Local((here.begin - seconds(1) + earlier.offset).time_since_epoch()));
    here = earlier;
  }
  return most;
}

}  // namespace sluice
