// Time zones, against those of the C library.

#include "core/error.hpp"
#include "core/random.hpp"
#include "zones.hpp"

#include <cstdlib>
#include <ctime>
#include <vector>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;
using namespace std::chrono_literals;

namespace {

std::string why(const std::string& bytes) {
  try {
    TimeZone::parse("Test", bytes);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::corrupt);
    return error.what();
  }
  return {};
}

// The C library's own zone for as long as the object lives.
struct LibraryZone {
  explicit LibraryZone(const std::string& name) {
    setenv("TZ", (":" + name).c_str(), 1);
    tzset();
  }
  ~LibraryZone() {
    unsetenv("TZ");
    tzset();
  }
  static std::int64_t offset(std::int64_t at) {
    const auto seconds = static_cast<std::time_t>(at);
    std::tm broken{};
    localtime_r(&seconds, &broken);
    return broken.tm_gmtoff;
  }
};

}  // namespace

TEST_CASE("property: offsets are those of the C library, before, within and after what the file lists") {
  SeededRandom draw(1);
  for (const std::string name :
       {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Pacific/Apia",
        "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Tokyo", "America/Santiago",
        "Asia/Gaza", "Pacific/Chatham", "Etc/GMT+3", "America/Scoresbysund", "Antarctica/Troll"}) {
    const auto ours = zone(name);
    const LibraryZone theirs(name);
    for (int i = 0; i < 5000; ++i) {
      // 1902 to 2106
      const auto at = static_cast<std::int64_t>(draw.next() % 6'450'000'000ULL) - 2'145'000'000;
      INFO(name << " at " << at);
      REQUIRE(ours.offset(UtcSeconds(std::chrono::seconds(at))).count() == LibraryZone::offset(at));
    }
  }
}

TEST_CASE("property: the first time that shows a local time is neither late nor early") {
  SeededRandom draw(2);
  for (const auto* name : {"Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York"}) {
    const auto place = zone(name);
    for (int i = 0; i < 3000; ++i) {
      const Local wanted(
          std::chrono::seconds(1'300'000'000 + static_cast<std::int64_t>(draw.next() % 1'000'000'000)));
      const auto at = place.first(wanted);
      REQUIRE(place.local(at) >= wanted);
      REQUIRE(place.most_shown(at - 1s) < wanted);
    }
  }
}

TEST_CASE("UTC needs no file") {
  CHECK(TimeZone::utc().offset(UtcSeconds(1s)) == 0s);
  CHECK(TimeZone::utc().local(UtcSeconds(90s)) == Local(90s));
}

TEST_CASE("rules of TZ are read as POSIX and RFC 8536 say") {
  CHECK(TzRule::parse("CET-1CEST,M3.5.0,M10.5.0/3")->summer->offset == 2h);
  CHECK(TzRule::parse("EST5")->offset == -5h);
  CHECK(TzRule::parse("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0")->summer->offset == 11h);
  CHECK(TzRule::parse("IST-2IDT,M3.4.4/26,M10.5.0")->summer->begin.time == 26h);
  CHECK(TzRule::parse("XXX-1YYY,J60/-2,300")->summer->begin.time == -2h);
  for (const auto* text : {"", "CET", "CE-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
                           "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
                           "CET-1CEST,M3.5.0,M10.5.0x", "<+01", "CET-168", "CET-1:60"})
    CHECK_FALSE(TzRule::parse(text));
}

TEST_CASE("what is no TZif file is refused with the reason") {
  const auto good = zone_bytes("Europe/Berlin");
  CHECK_THAT(why(""), Contains("ends too early"));
  CHECK_THAT(why("PK\x03\x04 a zip file"), Contains("does not begin with TZif"));
  CHECK_THAT(why(good.substr(0, good.size() - 20)), Contains("footer"));
  CHECK_THAT(why(zone_bytes("right/Europe/Berlin")), Contains("leap seconds"));
}

TEST_CASE("property: a file that was damaged anywhere is read or refused, and what is read can be asked") {
  const auto good = zone_bytes("America/New_York");
  SeededRandom draw(3);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(draw.next() % limit); };
  for (int round = 0; round < 3000; ++round) {
    auto bytes = good;
    for (auto n = 1 + below(4); n > 0; --n)
      bytes[below(bytes.size())] = static_cast<char>(below(256));
    if (below(4) == 0) bytes.resize(below(bytes.size()));
    try {
      const auto place = TimeZone::parse("Test", bytes);
      const UtcSeconds now(std::chrono::seconds(1'800'000'000));
      place.most_shown(now);
      REQUIRE(place.first(place.local(now)) <= now);
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::corrupt);
    }
  }
}
