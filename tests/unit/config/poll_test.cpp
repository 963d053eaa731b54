// When upstreams are looked at, as the file says it.

#include "unit/config/support.hpp"

#include <fstream>
#include <iterator>

using namespace sluice;
using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;
using namespace std::chrono_literals;

namespace {

SecretSources with_zones() {
  auto sources = fake_secrets();
  sources.time_zone = [](const std::string& name, std::string& why) -> std::optional<std::string> {
    if (name == "Damaged/Zone") return "not a zone";
    std::ifstream in("/usr/share/zoneinfo/" + name, std::ios::binary);
    if (in) return std::string(std::istreambuf_iterator<char>(in), {});
    why = "there is no such file";
    return std::nullopt;
  };
  return sources;
}

Loaded with_poll(const std::string& poll, const std::string& registries = {}) {
  return parse(registries + pipeline_node + "    poll: " + poll + "\n", "sluice.yaml", fake_parts(),
               with_zones());
}

Poll good_poll(const std::string& poll, const std::string& registries = {}) {
  const auto loaded = with_poll(poll, registries);
  INFO(loaded.diagnostics.text());
  REQUIRE(loaded.config);
  return loaded.config->pipelines.front().poll;
}

std::string bad_poll(const std::string& poll) {
  const auto loaded = with_poll(poll);
  REQUIRE_FALSE(loaded.config);
  return loaded.diagnostics.text();
}

}  // namespace

TEST_CASE("the slowest pace is four times the fastest, an hour at most, and never faster") {
  CHECK(good_poll("{every: 1m}").slowest_pace() == 4min);
  CHECK(good_poll("{every: 15m}").slowest_pace() == 1h);
  CHECK(good_poll("{every: 30m}").slowest_pace() == 1h);
  CHECK(good_poll("{every: 6h}").slowest_pace() == 6h);
}

TEST_CASE("the slowest pace can be said, and adapting can be switched off") {
  CHECK(good_poll("{every: 5m, slowest: 1d}").slowest_pace() == 24h);
  CHECK(good_poll("{slowest: 2h}").slowest_pace() == 2h);
  CHECK(good_poll("{every: 5m, adaptive: false}").slowest_pace() == 5min);
  CHECK(good_poll("{every: 5m, adaptive: true}").slowest_pace() == 20min);
}

TEST_CASE("a pipeline takes over what it does not say itself from its registry") {
  const auto registry = [](const std::string& poll) {
    return "registries: {docker.io: {poll: " + poll + "}}\n";
  };
  CHECK(good_poll("{every: 5m}", registry("{adaptive: false}")).slowest_pace() == 5min);
  CHECK(good_poll("{every: 5m, slowest: 1h}", registry("{adaptive: false}")).slowest_pace() == 1h);
  CHECK(good_poll("{every: 5m}", registry("{slowest: 3h}")).slowest_pace() == 3h);
  CHECK(good_poll("{every: 6h}", registry("{slowest: 3h}")).slowest_pace() == 6h);
  CHECK(good_poll("{}", registry("{cron: '5 * * * *'}")).cron->text() == "5 * * * *");
  CHECK_FALSE(good_poll("{every: 5m}", registry("{cron: '5 * * * *'}")).cron);
  const auto moved = good_poll("{timezone: Europe/Berlin}", registry("{cron: '5 2 * * *'}"));
  CHECK(moved.zone->name() == "Europe/Berlin");
  const auto other = good_poll("{cron: '9 2 * * *'}", registry("{cron: '5 2 * * *', timezone: Asia/Tokyo}"));
  CHECK(other.cron->text() == "9 2 * * *");
  CHECK(other.zone->name() == "Asia/Tokyo");
}

TEST_CASE("a cron has its time zone, UTC unless it is said") {
  const auto poll = good_poll("{cron: \"0 */2 * * 1-5\", timezone: Europe/Berlin}");
  REQUIRE(poll.cron);
  CHECK(format_time(*poll.cron->next(*parse_time("2026-11-27T08:30:00Z"), *poll.zone)) ==
        "2026-11-27T09:00:00Z");
  CHECK(good_poll("{cron: '0 0 * * *'}").zone->name() == "UTC");
  CHECK(good_poll("{cron: '0 0 * * *', timezone: UTC}").zone->name() == "UTC");
}

TEST_CASE("mistakes in a poll are told where they are, with what to write") {
  CHECK_THAT(bad_poll("{cron: '0 25 * * *'}"), Contains("sluice.yaml:6:") && Contains("'25' as hour"));
  CHECK_THAT(bad_poll("{cron: '0 2 * *'}"), Contains("4 fields instead of five"));
  CHECK_THAT(bad_poll("{cron: '0 2 * * *', every: 5m}"), Contains("'every' has no meaning beside 'cron'"));
  CHECK_THAT(bad_poll("{cron: '0 2 * * *', adaptive: false}"), Contains("'adaptive' has no meaning"));
  CHECK_THAT(bad_poll("{every: 5m, timezone: UTC}"), Contains("'timezone' has no meaning without 'cron'"));
  CHECK_THAT(bad_poll("{every: 5m, slowest: 1m}"), Contains("'slowest' is shorter than 'every'"));
  CHECK_THAT(bad_poll("{slowest: 1h, adaptive: false}"), Contains("beside 'adaptive: false'"));
  CHECK_THAT(bad_poll("{evry: 5m}"), Contains("did you mean 'every'?"));
}

TEST_CASE("D9: a time zone is one of the database, and leads nowhere else") {
  const auto zone = [](const std::string& name) {
    return bad_poll("{cron: '0 2 * * *', timezone: '" + name + "'}");
  };
  CHECK_THAT(zone("Europe/Atlantis"),
             Contains("not known here: there is no such file") && Contains("tzdata"));
  for (const auto* name : {"../../etc/passwd", "/etc/passwd", "Europe/", "a//b", "Europe/Ber lin"})
    CHECK_THAT(zone(name), Contains("is not the name of a time zone"));
  CHECK_THAT(zone("Damaged/Zone"), Contains("is no TZif file"));
  CHECK_THAT(zone(""), Contains("'timezone' is empty"));
}
