#include "config/placeholders.hpp"

#include <catch2/catch.hpp>

using namespace sluice::config;

namespace {
const Values values{{"image", "r/x@sha256:1"}, {"run", "ca1a"}, {"base_by_digest", "{image}"}};
}

TEST_CASE("known placeholders are replaced, each as often as it stands there") {
  CHECK(fill("{image}", values) == "r/x@sha256:1");
  CHECK(fill("a{run}b{run}", values) == "aca1abca1a");
  CHECK(fill("plain", values) == "plain");
  CHECK(fill("", values).empty());
}

TEST_CASE("what a value holds is not looked at again") {
  CHECK(fill("{base_by_digest}", values) == "{image}");
}

TEST_CASE("braces that are no placeholder stay as they are") {
  for (const auto* text :
       {"{}", "{", "}", "{{}}", "{\"a\": 1}", "{unknown}", "{IMAGE}", "{image", "awk '{print $1}'"})
    CHECK(fill(text, values) == text);
  CHECK(fill("{{image}}", values) == "{r/x@sha256:1}");
  CHECK(fill("{run {run}", values) == "{run ca1a");
}

TEST_CASE("placeholders become variables") {
  CHECK(as_environment({{"base_by_digest", "x"}}) == Values{{"SLUICE_BASE_BY_DIGEST", "x"}});
}
