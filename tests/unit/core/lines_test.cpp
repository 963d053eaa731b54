#include "core/lines.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {
std::vector<std::string> lines_of(const std::vector<std::string>& pieces, std::size_t most = 100,
                                  std::size_t longest = 100) {
  std::vector<std::string> lines;
  LineFeed feed([&](std::string_view line) { lines.emplace_back(line); }, most, longest);
  for (const auto& piece : pieces)
    feed.take(piece);
  feed.finish();
  return lines;
}
using Lines = std::vector<std::string>;
}  // namespace

TEST_CASE("lines are put together from pieces, blank ones are left out") {
  CHECK(lines_of({"a", "b\nc", "\n", "\n  \n", "d"}) == Lines{"ab", "c", "d"});
  CHECK(lines_of({"10%\r20%\r\n"}) == Lines{"10%", "20%"});
  CHECK(lines_of({}).empty());
}

TEST_CASE("endless output and endless lines are cut") {
  CHECK(lines_of({"a\nb\nc\nd\n"}, 2) == Lines{"a", "b", "[more output follows that is not kept]"});
  CHECK(lines_of({"a\nb\n"}, 2) == Lines{"a", "b"});
  CHECK(lines_of({std::string(1000, 'x'), "\ny"}, 100, 5) == Lines{"xxxxx", "y"});
}

TEST_CASE("the last lines of a text are those that are not blank") {
  CHECK(last_lines("a\nb\n\n c \r\n\n", 1) == "c");
  CHECK(last_lines("a\nb\n\n c \r\n\n", 2) == "b; c");
  CHECK(last_lines("a", 3) == "a");
  CHECK(last_lines("\n \n", 3).empty());
  CHECK(last_lines("", 1).empty());
}
