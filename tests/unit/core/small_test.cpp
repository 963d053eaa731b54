// Retry, run ids, randomness and secrets: a few rules each.

#include "core/random.hpp"
#include "core/retry.hpp"
#include "core/run_id.hpp"
#include "core/secret.hpp"

#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace sluice;
using namespace std::chrono_literals;

TEST_CASE("the wait doubles with each attempt up to the longest") {
  const Backoff backoff{.first = 2s, .most = 60s};
  CHECK(backoff.wait(1, 0.0) == 1s);
  CHECK(backoff.wait(1, 0.999) < 2s);
  CHECK(backoff.wait(3, 0.0) == 4s);
  CHECK(backoff.wait(10, 0.0) == 30s);
  CHECK(backoff.wait(1'000'000, 0.5) == 45s);
}

TEST_CASE("the peer's wish to wait wins, but not for ever") {
  const Backoff backoff;
  CHECK(backoff.wait(1, 0.5, 90s) == 90s);
  CHECK(backoff.wait(1, 0.5, 24h) == 15min);
  CHECK(backoff.wait(1, 0.5, 24h, 1h) == 1h);
}

TEST_CASE("run ids begin at ca1a and read back") {
  CHECK(RunId(1).text() == "ca1a");
  CHECK(RunId(2).text() == "ca1b");
  for (std::int64_t number : {1, 26, 27, 1000, 123'456'789})
    CHECK(RunId::parse(RunId(number).text()) == RunId(number));
}

TEST_CASE("what is not a run id is refused") {
  const auto* text = GENERATE("", "-1", "ca19", "a", "ca1a ", "ca1a/", "zzzzzzzzzzzzz", "+ca1a");
  CAPTURE(text);
  CHECK_FALSE(RunId::parse(text));
}

TEST_CASE("a seed decides all random numbers") {
  SeededRandom one(5), two(5);
  CHECK(random_hex(one, 16) == random_hex(two, 16));
  CHECK(random_hex(one, 16).size() == 32);
  for (int i = 0; i < 1000; ++i) {
    const auto unit = one.unit();
    CHECK((unit >= 0 && unit < 1));
  }
}

namespace {
template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
}  // namespace

TEST_CASE("D11: a secret can be neither streamed nor formatted") {
  STATIC_REQUIRE_FALSE(Streamable<Secret>);
  STATIC_REQUIRE_FALSE(fmt::is_formattable<Secret>::value);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Secret, std::string>);
  CHECK(Secret("x").reveal() == "x");
}
