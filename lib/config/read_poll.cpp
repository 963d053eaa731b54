// When upstreams are looked at.

#include "config/read.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;
constexpr Milliseconds longest_pace = std::chrono::days(36'500);

// "Europe/Berlin", "Etc/GMT+3": a path below the folder of the zones that leads nowhere else.
bool is_zone_name(std::string_view name) {
  constexpr std::string_view inner = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/";
  return !name.empty() && name.size() <= 64 && name.find_first_not_of(inner) == std::string_view::npos &&
         name.front() != '/' && name.back() != '/' && name.find("//") == std::string_view::npos;
}

std::shared_ptr<const TimeZone> read_zone(Section& section, const SecretSources& sources) {
  const auto utc = std::make_shared<const TimeZone>(TimeZone::utc());
  const auto name = section.required_text("timezone", "for instance Europe/Berlin");
  if (name.empty() || name == "UTC") return utc;
  const auto at = section.position("timezone");
  if (!is_zone_name(name)) {
    section.error(at, "'" + printable(name, 80) + "' is not the name of a time zone",
                  "names are those of the IANA database: Europe/Berlin, America/New_York, UTC");
    return utc;
  }
  std::string why = "zones are not available";
  const auto bytes = sources.time_zone ? sources.time_zone(name, why) : std::nullopt;
  if (!bytes) {
    section.error(
        at, "the time zone '" + name + "' is not known here: " + printable(why, 200),
        "names are those of the IANA database, such as Europe/Berlin; they come with the package tzdata");
    return utc;
  }
  try {
    return std::make_shared<const TimeZone>(TimeZone::parse(name, *bytes));
  } catch (const Error& error) {
    section.error(at, printable(error.what(), 300), "install the package tzdata again");
  }
  return utc;
}

void read_cron(Section& section, Poll& poll) {
  for (const auto* key : {"every", "slowest", "adaptive"})
    if (section.has(key))
      section.error(section.position(key), fmt::format("'{}' has no meaning beside 'cron'", key),
                    "keep the one or the other");
  const auto text = section.required_text("cron", "for instance \"0 */2 * * 1-5\"");
  if (text.empty()) return;
  try {
    poll.cron = Cron::parse(text);
  } catch (const Error& error) {
    section.error(section.position("cron"), printable(error.what(), 300));
  }
}

void read_pace(Section& section, Poll& poll) {
  for (const auto* key : {"every", "slowest", "adaptive"})
    if (section.has(key)) poll.cron.reset();
  poll.every = duration_between(section, "every", poll.every, 100ms, longest_pace);
  poll.adaptive = section.flag("adaptive", poll.adaptive || section.has("slowest"));
  if (!section.has("slowest")) return;
  poll.slowest = duration_between(section, "slowest", poll.every, 100ms, longest_pace);
  if (!poll.adaptive)
    section.error(section.position("slowest"), "'slowest' has no meaning beside 'adaptive: false'",
                  "keep the one or the other");
  else if (*poll.slowest < poll.every)
    section.error(section.position("slowest"), "'slowest' is shorter than 'every'",
                  "the pace is between 'every' and 'slowest'");
}

}  // namespace

Poll read_poll(Section section, Poll poll, const SecretSources& sources) {
  if (section.has("timezone")) poll.zone = read_zone(section, sources);
  if (section.has("cron"))
    read_cron(section, poll);
  else
    read_pace(section, poll);
  if (section.has("timezone") && !section.has("cron") && !poll.cron)
    section.error(section.position("timezone"), "'timezone' has no meaning without 'cron'", "remove it");
  section.done();
  return poll;
}

}  // namespace sluice::config
