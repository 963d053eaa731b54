#include "registry/credential_cache.hpp"

#include "core/error.hpp"
#include "support/fake_clock.hpp"
#include "support/run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  FakeClock clock;
  CredentialCache cache{clock};
  int fetches = 0;
  bool fails = false;
  Milliseconds fresh = 60s;
  Milliseconds valid = 120s;

  Task<Found> fetch() {
    ++fetches;
    co_await clock.sleep_for(Milliseconds{0});  // others have their turn
    if (fails) throw Error(ErrorKind::unavailable, "down");
    co_return Found{Credentials{"user" + std::to_string(fetches), Secret("s")}, fresh, valid};
  }
  /// The user, or "down".
  Task<std::string> ask() {
    CredentialCache::Fetch fetch = [this] { return this->fetch(); };
    std::string key = "r.example";
    try {
      const auto found = co_await cache.get(std::move(key), std::move(fetch));
      co_return found->username;
    } catch (const Error& error) {
      co_return error.what();
    }
  }
};

Task<> ask_into(Fixture& fixture, std::vector<std::string>& answers) {
  auto answer = co_await fixture.ask();
  answers.push_back(std::move(answer));
}

}  // namespace

TEST_CASE("what was found is kept as long as it is fresh") {
  Fixture fixture;
  run([&]() -> Task<> {
    std::vector<std::string> answers;
    for (const auto pause : {0s, 59s, 1s}) {
      fixture.clock.advance(pause);
      co_await ask_into(fixture, answers);
    }
    CHECK(answers == std::vector<std::string>{"user1", "user1", "user2"});
  });
}

TEST_CASE("askers at the same time share one lookup and its failure") {
  for (const bool fails : {false, true}) {
    Fixture fixture;
    fixture.fails = fails;
    std::vector<std::string> answers;
    run([&](boost::asio::io_context& loop) -> Task<> {
      for (int i = 0; i < 10; ++i)
        boost::asio::co_spawn(loop, ask_into(fixture, answers), boost::asio::detached);
      while (answers.size() < 10)
        co_await fixture.clock.sleep_for(Milliseconds{0});
    });
    CHECK(fixture.fetches == 1);
    CHECK(answers == std::vector<std::string>(10, fails ? "down" : "user1"));
  }
}

TEST_CASE("a failed lookup is not repeated at once") {
  Fixture fixture;
  fixture.fails = true;
  run([&]() -> Task<> {
    std::vector<std::string> answers;
    for (int i = 0; i < 5; ++i)
      co_await ask_into(fixture, answers);
    CHECK(fixture.fetches == 1);
    fixture.clock.advance(CredentialCache::failure_pause);
    fixture.fails = false;
    co_await ask_into(fixture, answers);
    CHECK(answers.back() == "user2");
  });
}

TEST_CASE("while the renewal fails, what is valid is used to its end") {
  Fixture fixture;
  run([&]() -> Task<> {
    std::vector<std::string> answers;
    co_await ask_into(fixture, answers);
    fixture.fails = true;
    for (int i = 0; i < 3; ++i) {
      fixture.clock.advance(39s);
      co_await ask_into(fixture, answers);
    }
    fixture.clock.advance(4s);
    co_await ask_into(fixture, answers);
    CHECK(answers == std::vector<std::string>{"user1", "user1", "user1", "user1", "down"});
    CHECK(fixture.fetches == 3);
  });
}

TEST_CASE("refused credentials are looked up anew, but not in quick succession") {
  Fixture fixture;
  run([&]() -> Task<> {
    std::vector<std::string> answers;
    co_await ask_into(fixture, answers);
    fixture.cache.forget("r.example");
    co_await ask_into(fixture, answers);
    fixture.clock.advance(CredentialCache::refusal_pause);
    fixture.cache.forget("r.example");
    co_await ask_into(fixture, answers);
    CHECK(answers == std::vector<std::string>{"user1", "user1", "user2"});
  });
}
