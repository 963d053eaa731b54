// The typed getters, through a check whose settings they read.

#include "core/error.hpp"
#include "unit/config/support.hpp"

using namespace sluice;
using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;
using namespace std::chrono_literals;

namespace {

// Parses `settings` (the inside of a mapping) as a check; `read` looks at its section.
Loaded with(const std::string& settings, std::function<void(Section&)> read) {
  Parts parts = fake_parts();
  parts.checks["probe"] = [read](Section& section) {
    read(section);
    return std::make_shared<FakePart>();
  };
  const auto text = pipeline_node + "    checks:\n      - probe: {" + settings + "}\n";
  return parse(text, "sluice.yaml", parts, fake_secrets());
}

std::string told(const std::string& settings, std::function<void(Section&)> read) {
  return with(settings, std::move(read)).diagnostics.text();
}

}  // namespace

TEST_CASE("values of every type are read") {
  const auto loaded = with(
      "t: text, f: true, n: 42, d: 90s, l: [a, 1], m: {A: x, B: 2}, r: 'node:9', p: linux/arm64, repo: "
      "r.io/x",
      [](Section& section) {
        CHECK(section.text("t") == "text");
        CHECK(section.flag("f", false));
        CHECK(section.integer("n", 0, 1, 100) == 42);
        CHECK(section.duration("d", 0ms) == 90s);
        CHECK(section.texts("l") == std::vector<std::string>{"a", "1"});
        CHECK(section.text_map("m") ==
              std::vector<std::pair<std::string, std::string>>{{"A", "x"}, {"B", "2"}});
        CHECK(section.reference("r", true)->text() == "docker.io/library/node:9");
        CHECK(section.platform("p")->architecture == "arm64");
        CHECK(section.repository("repo", true)->text() == "r.io/x");
      });
  CHECK(loaded.diagnostics.text() == "");
}

TEST_CASE("values that are not there are their defaults") {
  const auto loaded = with("", [](Section& section) {
    CHECK(section.text("t", "x") == "x");
    CHECK(section.flag("f", true));
    CHECK(section.integer("n", 7, 1, 10) == 7);
    CHECK(section.duration("d", 5s) == 5s);
    CHECK(section.texts("l").empty());
    CHECK(section.text_map("m").empty());
    CHECK_FALSE(section.reference("r", false));
    CHECK_FALSE(section.platform("p"));
    CHECK_FALSE(section.has("t"));
    CHECK(section.sections("s").empty());
    CHECK(section.section("o").text("x", "y") == "y");
  });
  CHECK(loaded.diagnostics.text() == "");
}

TEST_CASE("a value of the wrong type is told, and reading goes on with the default") {
  struct Case {
    const char* settings;
    std::function<void(Section&)> read;
    const char* expected;
  };
  const Case cases[] = {
      {"v: [a]", [](Section& s) { CHECK(s.text("v", "x") == "x"); }, "'v' must be one value"},
      {"v: ", [](Section& s) { s.text("v"); }, "'v' has no value"},
      {"v: maybe", [](Section& s) { CHECK(s.flag("v", true)); }, "'v' must be true or false, not 'maybe'"},
      {"v: 1.5", [](Section& s) { CHECK(s.integer("v", 3, 1, 9) == 3); },
       "'v' must be a whole number from 1 to 9, not '1.5'"},
      {"v: 10", [](Section& s) { s.integer("v", 3, 1, 9); }, "from 1 to 9, not '10'"},
      {"v: 99999999999999999999", [](Section& s) { s.integer("v", 3, 1, 9); }, "must be a whole number"},
      {"v: soon", [](Section& s) { CHECK(s.duration("v", 5s) == 5s); },
       "'v' must be a duration, not 'soon'\n    for instance 500ms, 90s"},
      {"v: one", [](Section& s) { CHECK(s.texts("v").empty()); }, "'v' must be a list of texts"},
      {"v: [a, {b: c}]", [](Section& s) { CHECK(s.texts("v").size() == 1); },
       "each item of 'v' must be a text"},
      {"v: [a]", [](Section& s) { s.text_map("v"); }, "'v' must be a mapping"},
      {"v: {a: [b]}", [](Section& s) { s.text_map("v"); }, "'a' must be one value"},
      {"v: 'UPPER/x:1'", [](Section& s) { CHECK_FALSE(s.reference("v", true)); }, "'v': "},
      {"v: 'r.io/x:1'", [](Section& s) { CHECK_FALSE(s.repository("v", true)); }, "'v': "},
      {"v: linux", [](Section& s) { CHECK_FALSE(s.platform("v")); }, "'v': "},
      {"v: x", [](Section& s) { s.sections("v"); }, "'v' must be a list"},
      {"v: [x]", [](Section& s) { CHECK(s.sections("v").empty()); }, "each item of 'v' must be a mapping"},
      {"v: x", [](Section& s) { s.section("v"); }, "'v' must be a mapping"},
      {"", [](Section& s) { s.required_text("v", "say why"); }, "'v' is missing\n    say why"},
      {"v: ''", [](Section& s) { s.required_text("v"); }, "'v' is empty"},
      {"", [](Section& s) { s.reference("v", true); }, "'v' is missing"},
      {"", [](Section& s) { s.repository("v", true); }, "'v' is missing"},
  };
  for (const auto& one : cases)
    CHECK_THAT(told(one.settings, one.read), Contains(one.expected));
}

TEST_CASE("mistakes have the line and column of the value") {
  CHECK_THAT(told("a: b, v: soon",
                  [](Section& s) {
                    s.text("a");
                    s.duration("v", 0ms);
                  }),
             Catch::StartsWith("sluice.yaml:7:26: 'v' must be a duration"));
}

TEST_CASE("an unknown key is told with the nearest known one, or with all of them") {
  const auto read = [](Section& s) {
    s.text("timeout");
    s.texts("run");
  };
  CHECK_THAT(told("timeuot: 3s", read),
             Contains("sluice.yaml:7:17: unknown key 'timeuot'\n    did you mean 'timeout'?"));
  CHECK_THAT(told("colour: red", read), Contains("unknown key 'colour'\n    known here: timeout, run"));
  CHECK_THAT(told("'<<': {run: [x]}", read), Contains("merge keys are not supported"));
}

TEST_CASE("unknown keys are told once, also when a part looks for them itself") {
  const auto text = told("x: 1", [](Section& s) {
    s.done();
    s.done();
  });
  CHECK(text.find("unknown key") == text.rfind("unknown key"));
}

TEST_CASE("a part that throws is a mistake like any other") {
  CHECK_THAT(told("", [](Section&) { throw Error(ErrorKind::invalid, "no such scanner"); }),
             Contains("no such scanner"));
}

TEST_CASE("places of list items are known") {
  with("l: [a, b]", [](Section& s) {
    CHECK(s.position("l", 0) == Position{7, 21});
    CHECK(s.position("l", 1) == Position{7, 24});
    CHECK(s.position("l", 9) == s.position("l"));
    CHECK(s.position("absent") == s.position());
    s.texts("l");
  });
}
