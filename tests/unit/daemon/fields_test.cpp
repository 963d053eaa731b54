#include "fields.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice::daemon;
using nlohmann::json;

TEST_CASE("the table of runs is the one that users of ACR Tasks know") {
  auto table = run_table();
  table.add(run_row({{"id", "ca1b"},
                     {"task", "helloworld"},
                     {"platform", "linux/amd64"},
                     {"status", "Running"},
                     {"trigger", "Image Update"},
                     {"started", "2026-11-24T04:56:31.123456Z"},
                     {"ended", nullptr}}));
  table.add(run_row({{"id", "ca1a"},
                     {"task", "node-9-alpine"},
                     {"platform", "linux/amd64"},
                     {"status", "Succeeded"},
                     {"trigger", "Image Update"},
                     {"started", "2026-11-24T04:56:21.000000Z"},
                     {"ended", "2026-11-24T04:56:30.500000Z"}}));
  CHECK(table.lines(false) ==
        std::vector<std::string>{
            "RUN ID  TASK                    PLATFORM     STATUS     TRIGGER       STARTED               "
            "DURATION",
            "ca1b    helloworld              linux/amd64  Running    Image Update  2026-11-24T04:56:31Z",
            "ca1a    node-9-alpine           linux/amd64  Succeeded  Image Update  2026-11-24T04:56:21Z  "
            "00:00:09"});
}

TEST_CASE("a run that has not started shows neither start nor duration") {
  const auto row = run_row({{"id", "ca1a"}, {"status", "Queued"}, {"started", nullptr}});
  CHECK(row[5].text.empty());
  CHECK(row[6].text.empty());
}

TEST_CASE("D8: what an answer holds cannot command a terminal") {
  CHECK(text_of({{"task", "a\x1b[2Jb\nc"}}, "task").find('\x1b') == std::string::npos);
  CHECK(text_of({{"task", "a\x1b[2Jb\nc"}}, "task").find('\n') == std::string::npos);
}

TEST_CASE("absent, null and odd fields are empty") {
  const json object{{"null", nullptr}, {"list", json::array()}, {"number", 7}};
  CHECK(text_of(object, "absent").empty());
  CHECK(text_of(object, "null").empty());
  CHECK(text_of(object, "list").empty());
  CHECK(text_of(object, "number") == "7");
  CHECK(text_of(json::array(), "x").empty());
  CHECK(part_of(object, "null").empty());
  CHECK(time_of({{"at", "not a time"}}, "at").empty());
}

TEST_CASE("digests are short for people and whole on request") {
  const json object{{"digest", "sha256:" + std::string(64, 'a')}};
  CHECK(digest_of(object, "digest", false) == "sha256:aaaaaaaaaaaa");
  CHECK(digest_of(object, "digest", true) == "sha256:" + std::string(64, 'a'));
}

TEST_CASE("the time of a step is told as exactly as its length needs") {
  const auto shown = [](const char* ended) {
    return short_duration_of({{"started", "2026-11-24T04:56:21.000000Z"}, {"ended", ended}});
  };
  CHECK(shown("2026-11-24T04:56:21.035999Z") == "35ms");
  CHECK(shown("2026-11-24T04:56:23.450000Z") == "2.4s");
  CHECK(shown("2026-11-24T04:59:31.000000Z") == "00:03:10");
  CHECK(short_duration_of({{"started", "2026-11-24T04:56:21.000000Z"}, {"ended", nullptr}}).empty());
}

TEST_CASE("lengths of time are told at a glance") {
  const auto brief = [](std::int64_t ms) { return brief_of({{"ms", ms}}, "ms"); };
  CHECK(brief(0) == "0ms");
  CHECK(brief(250) == "250ms");
  CHECK(brief(4230) == "4.2s");
  CHECK(brief(15'000) == "15s");
  CHECK(brief(900'000) == "15m");
  CHECK(brief(905'000) == "15m5s");
  CHECK(brief(5'400'000) == "1h30m");
  CHECK(brief(3'600'000) == "1h");
  CHECK(brief(270'000'000) == "3d3h");
  CHECK(brief(-1).empty());
  CHECK(brief_of({{"ms", nullptr}}, "ms").empty());
  CHECK(brief_of({{"ms", "15m"}}, "ms").empty());
}

TEST_CASE(
    "how long a change took to be seen is told with its reason, else as the most that it can have been") {
  CHECK(delay_of({{"delay_ms", 4230}, {"known_by", "webhook"}, {"at_most_ms", 900'000}}) == "4.2s (webhook)");
  CHECK(delay_of({{"delay_ms", nullptr}, {"known_by", "nothing"}, {"at_most_ms", 900'000}}) == "at most 15m");
  CHECK(delay_of(json::object()).empty());
}

TEST_CASE("a hold says who, for how long, why and what waits behind it") {
  const json hold{{"reason", "release week"}, {"by", "ann"},       {"since", "2026-11-24T04:56:31.123456Z"},
                  {"age_ms", 7'500'000},      {"overlong", false}, {"images_waiting", 1}};
  const auto cell = hold_of({{"name", "node"}, {"hold", hold}});
  CHECK(cell.text ==
        "held for 2h5m by ann, since 2026-11-24T04:56:31Z: release week; 1 image waits behind it");
  CHECK(cell.colour == Colour::yellow);
}

TEST_CASE("a hold that may have been forgotten stands out and says how to end it") {
  const json hold{{"reason", "release week"}, {"by", "ann"},      {"since", "2026-09-24T04:56:31.123456Z"},
                  {"age_ms", 2'678'400'000},  {"overlong", true}, {"images_waiting", 0}};
  const auto cell = hold_of({{"name", "node"}, {"hold", hold}});
  CHECK(cell.text ==
        "held for 31d by ann, since 2026-09-24T04:56:31Z: release week; is it still meant? `sluice resume "
        "node` ends it");
  CHECK(cell.colour == Colour::red);
}
