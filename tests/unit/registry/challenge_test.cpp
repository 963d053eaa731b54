#include "registry/challenge.hpp"

#include <catch2/catch.hpp>

using sluice::registry::Challenge;
using sluice::registry::choose_challenge;
using sluice::registry::parse_challenges;

namespace {

struct Case {
  std::string name;
  std::vector<std::string> lines;
  std::vector<Challenge> expected;
};

const std::vector<Case> cases{
    {"Docker Hub",
     {R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/node:pull")"},
     {{"bearer",
       {{"realm", "https://auth.docker.io/token"},
        {"service", "registry.docker.io"},
        {"scope", "repository:library/node:pull"}}}}},
    {"a comma inside quotes belongs to the value",
     {R"(Bearer scope="repository:a/b:pull,push",realm="https://r/t")"},
     {{"bearer", {{"scope", "repository:a/b:pull,push"}, {"realm", "https://r/t"}}}}},
    {"several schemes in one line",
     {R"(Negotiate, Basic realm="x", Bearer realm="https://r/t")"},
     {{"negotiate", {}}, {"basic", {{"realm", "x"}}}, {"bearer", {{"realm", "https://r/t"}}}}},
    {"several lines",
     {R"(Basic realm="x")", R"(Bearer realm="https://r/t")"},
     {{"basic", {{"realm", "x"}}}, {"bearer", {{"realm", "https://r/t"}}}}},
    {"names and scheme in any case",
     {R"(BEARER Realm="https://R/T",SERVICE=s)"},
     {{"bearer", {{"realm", "https://R/T"}, {"service", "s"}}}}},
    {"values without quotes, spaces around =",
     {"Bearer realm = https://r/t , service = s"},
     {{"bearer", {{"realm", "https://r/t"}, {"service", "s"}}}}},
    {"escaped quotes", {R"(Basic realm="a \"b\" \\c")"}, {{"basic", {{"realm", R"(a "b" \c)"}}}}},
    {"token68 is no scheme and no parameter",
     {R"(Negotiate a87421000492aa874209af8bc028==, Basic realm="x")"},
     {{"negotiate", {}}, {"basic", {{"realm", "x"}}}}},
    {"a scheme alone", {"Basic"}, {{"basic", {}}}},
    {"an open quote ends with the line", {R"(Basic realm="abc)"}, {{"basic", {{"realm", "abc"}}}}},
    {"the first of a name counts", {"Bearer realm=a,realm=b"}, {{"bearer", {{"realm", "a"}}}}},
    {"parameters before any scheme are passed over", {"realm=a"}, {}},
    {"garbage", {"\x01\x02,,,===\"", "", " , "}, {}},
};

}  // namespace

TEST_CASE("challenges are read as RFC 9110 writes them") {
  for (const auto& [name, lines, expected] : cases) {
    INFO(name);
    const auto challenges = parse_challenges(lines);
    REQUIRE(challenges.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(challenges[i].scheme == expected[i].scheme);
      CHECK(challenges[i].parameters == expected[i].parameters);
    }
  }
}

TEST_CASE("a Bearer challenge with a realm is answered before Basic, wherever it stands") {
  CHECK(choose_challenge(parse_challenges({R"(Basic realm="x", Bearer realm="https://r/t")"}))->scheme ==
        "bearer");
  CHECK(choose_challenge(parse_challenges({R"(Bearer service=s, Basic realm="x")"}))->scheme == "basic");
  CHECK_FALSE(choose_challenge(parse_challenges({"Negotiate"})).has_value());
  CHECK_FALSE(choose_challenge({}).has_value());
}

TEST_CASE("a flood of challenges is cut") {
  std::string line;
  for (int i = 0; i < 1000; ++i)
    line += "Basic, ";
  std::string parameters = "Bearer a=1";
  for (int i = 0; i < 1000; ++i)
    parameters += ", p" + std::to_string(i) + "=1";
  CHECK(parse_challenges({line, line}).size() <= 16);
  CHECK(parse_challenges({parameters}).front().parameters.size() <= 32);
}
