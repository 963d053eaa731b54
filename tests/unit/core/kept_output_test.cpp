#include "core/kept_output.hpp"

#include "core/random.hpp"

#include <catch2/catch.hpp>

using sluice::KeptOutput;

TEST_CASE("output within the limit is kept whole") {
  KeptOutput kept(10);
  kept.append("01234");
  kept.append("56789");
  CHECK_FALSE(kept.truncated());
  CHECK(kept.take() == "0123456789");
}

TEST_CASE("of longer output the first and the last half remain, with a mark") {
  KeptOutput kept(10);
  kept.append("aaaaa-middle-zzzzz");
  CHECK(kept.truncated());
  CHECK(kept.take() == "aaaaa\n[... 8 bytes left out ...]\nzzzzz");
}

TEST_CASE("however output is cut into pieces, the same remains of it") {
  sluice::SeededRandom random(17);
  for (int round = 0; round < 500; ++round) {
    std::string whole;
    for (auto size = random.next() % 300; size > 0; --size)
      whole += static_cast<char>('a' + random.next() % 26);
    const auto limit = random.next() % 100;
    KeptOutput at_once(limit), in_pieces(limit);
    at_once.append(whole);
    for (std::string_view rest = whole; !rest.empty();) {
      const auto size = std::min<std::size_t>(rest.size(), random.next() % 40 + 1);
      in_pieces.append(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    REQUIRE(in_pieces.truncated() == (whole.size() > limit));
    REQUIRE(at_once.truncated() == (whole.size() > limit));
    const auto text = at_once.take();
    REQUIRE(in_pieces.take() == text);
    if (whole.size() <= limit) REQUIRE(text == whole);
  }
}
