#include "command_world.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("a command ends with its task, whatever else its loop would wait for") {
  daemon::CommandWorld world;
  const auto task = [&]() -> Task<int> {
    auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::co_spawn(executor, world.clock.sleep_for(std::chrono::hours(1)), boost::asio::detached);
    co_return 7;
  };
  CHECK(world.run(task()) == 7);
  CHECK(world.run(task()) == 7);
}
