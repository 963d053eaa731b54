// Warnings of registries: which are read, and that each is told once.

#include "registry/warnings.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using registry::Warnings;
using Texts = std::vector<std::string>;

namespace {

net::Headers warning(const std::string& value) {
  net::Headers headers;
  headers.add("Warning", value);
  return headers;
}

}  // namespace

TEST_CASE("warnings of the code 299 are read, in one line or several") {
  const std::pair<const char*, Texts> rows[] = {
      {R"(299 - "this image is old")", {"this image is old"}},
      {R"(299 - "one", 299 - "two, with a comma")", {"one", "two, with a comma"}},
      {R"(299 - "a \"quoted\" word")", {"a \"quoted\" word"}},
      {R"(  299 - "")", {""}},
      {R"(110 - "Response is Stale")", {}},
      {R"(299 proxy "not of the registry")", {}},
      {R"(299 - "never closed)", {}},
      {R"(299 - "ends in a backslash\)", {}},
      {R"(299 - no quotes)", {}},
      {R"(299 - "good" nonsense, 299 - "not reached")", {"good"}},
      {"", {}},
  };
  for (const auto& [value, texts] : rows) {
    CAPTURE(value);
    CHECK(registry::warnings_in(warning(value)) == texts);
  }
  auto two = warning(R"(299 - "one")");
  two.add("warning", R"(299 - "two")");
  CHECK(registry::warnings_in(two) == Texts{"one", "two"});
}

TEST_CASE("of warnings that are longer than they may be, the first are read") {
  auto headers = warning(R"(299 - "short")");
  headers.add("Warning", "299 - \"" + std::string(registry::max_warning_bytes, 'x') + "\"");
  CHECK(registry::warnings_in(headers) == Texts{"short"});
}

TEST_CASE("a registry's warning is news once, and is safe to show") {
  Warnings warnings;
  const auto headers = warning("299 - \"\x1b[31mmove to new.example.com\"");
  CHECK(warnings.news("a", headers) == Texts{"\\x1b[31mmove to new.example.com"});
  CHECK(warnings.news("a", headers).empty());
  CHECK(warnings.news("b", headers).size() == 1);
  CHECK(warnings.news("a", warning("299 - \"" + std::string(3000, 'x') + "\"")).at(0).size() < 600);
}

TEST_CASE("a registry that says something else each time is not listened to for ever") {
  Warnings warnings;
  std::size_t told = 0;
  for (int number = 0; number < 1000; ++number)
    told += warnings.news("a", warning("299 - \"" + std::to_string(number) + "\"")).size();
  CHECK(told == Warnings::most);
}
