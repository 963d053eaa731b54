#include "registry/link.hpp"

#include <optional>
#include <string>

#include <catch2/catch.hpp>

using sluice::registry::next_link;

TEST_CASE("the next page is the link with rel=next, its target as it stands") {
  CHECK(next_link({R"(</v2/a/tags/list?last=x%2Cy&n=2>; rel="next")"}) == "/v2/a/tags/list?last=x%2Cy&n=2");
  CHECK(next_link({"<https://r.example/v2/?next_page=abc>;rel=next"}) ==
        "https://r.example/v2/?next_page=abc");
  CHECK(next_link({R"(</p>; rel="prev", </n>; rel="next")"}) == "/n");
  CHECK(next_link({R"(</n>; title="a, b; c"; REL="prev NEXT")"}) == "/n");
  CHECK(next_link({R"(</p>; rel="prev")", R"(</n>; rel="next")"}) == "/n");
}

TEST_CASE("what is no link to a next page is passed over") {
  for (const std::string line :
       {"", "<", "</n", "/n; rel=next", R"(</n>)", R"(</n>; rel="last")", R"(</n>; rev="next")",
        R"(</n>; rel="nextish")", R"(</n>; rel="unclosed)", R"(</n>; title="x; rel=next")", "<>,<>,<>"}) {
    CAPTURE(line);
    CHECK(next_link({line}) == std::nullopt);
  }
}
