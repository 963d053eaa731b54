#include "registry_tool.hpp"

#include <csignal>

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("the first signal cancels a command, the next one would end the program at once") {
  daemon::RegistryTool tool(std::nullopt);
  struct sigaction next {};
  const auto task = [&]() -> Task<> {
    std::raise(SIGINT);
    std::exception_ptr cancelled;
    try {
      co_await tool.clock().sleep_for(std::chrono::minutes(5));
    } catch (...) {
      cancelled = std::current_exception();
    }
    ::sigaction(SIGINT, nullptr, &next);
    if (cancelled) std::rethrow_exception(cancelled);
  };
  CHECK_THROWS_WITH(tool.run(task()), "interrupted");
  CHECK(next.sa_handler == SIG_DFL);
}
