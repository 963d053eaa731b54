#include "net/target.hpp"

#include <catch2/catch.hpp>

using sluice::net::parse_target;
using Query = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("a target is decoded into path and query") {
  const auto target = parse_target("/a%20b/c+d?x=1+2&y=%26&flag&&z=a=b");
  REQUIRE(target);
  CHECK(target->path == "/a b/c+d");
  CHECK(target->query == Query{{"x", "1 2"}, {"y", "&"}, {"flag", ""}, {"z", "a=b"}});
}

TEST_CASE("an absolute target is read like its path") {
  CHECK(parse_target("http://host/a?b=c")->path == "/a");
  CHECK(parse_target("https://host")->path == "/");
}

TEST_CASE("malformed targets are refused") {
  for (const char* text : {"", "*", "a", "host:443", "/%", "/%0", "/%00", "/?a=%00", "/?%zz", "httpx://a/b"})
    CHECK_FALSE(parse_target(text));
}
