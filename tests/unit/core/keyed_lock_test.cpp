#include "core/keyed_lock.hpp"

#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/run.hpp"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;

TEST_CASE("a place is waited for until it is given back, or for as long as the caller likes") {
  test::FakeClock clock;
  KeyedLock lock;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    std::optional<KeyedLock::Place> place;
    place.emplace(lock, "base");
    const auto other = co_await lock.wait("other", clock);
    CHECK(other);
    std::optional<bool> patient;
    std::optional<bool> hasty;
    const auto note = [](std::optional<bool>& result) {
      return [&result](std::exception_ptr, bool got) { result = got; };
    };
    boost::asio::co_spawn(loop, lock.wait("base", clock), note(patient));
    boost::asio::co_spawn(loop, lock.wait("base", clock, clock.steady() + 10s), note(hasty));
    const bool asleep = co_await test::eventually([&] { return clock.sleepers() == 2; });
    CHECK(asleep);
    CHECK_FALSE(lock.is_stuck("base"));
    clock.advance(10s);
    const bool gave_up = co_await test::eventually([&] { return hasty.has_value(); });
    CHECK(gave_up);
    CHECK(hasty == false);
    CHECK(lock.is_stuck("base"));
    CHECK_FALSE(patient);
    place.reset();
    const bool got = co_await test::eventually([&] { return patient.has_value(); });
    CHECK(got);
    CHECK(patient == true);
    CHECK_FALSE(lock.is_stuck("base"));
  });
}
