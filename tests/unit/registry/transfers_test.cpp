#include "registry/transfers.hpp"

#include "core/error.hpp"
#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <list>
#include <optional>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using registry::Transfers;
using test::FakeClock;

namespace {

/// A blob that is on its way until the test says that it arrived.
struct Blob {
  std::optional<Transfers::Place> place;
  std::optional<ErrorKind> error;
  boost::asio::cancellation_signal cancel;
};

Task<> set_out(Transfers& transfers, Transfers::Ends ends, Clock& clock, Blob& blob) {
  co_await transfers.wait(ends, clock);
  blob.place.emplace(transfers, ends);
}

/// Outlives the event loop, and with it the blobs that still wait at the end of a test.
struct Road {
  boost::asio::io_context* loop = nullptr;
  FakeClock clock;
  Transfers transfers;
  std::list<Blob> blobs;

  Blob& start(Transfers::Ends ends) {
    auto& blob = blobs.emplace_back();
    boost::asio::co_spawn(
        *loop, set_out(transfers, std::move(ends), clock, blob),
        boost::asio::bind_cancellation_slot(blob.cancel.slot(), [&blob](std::exception_ptr failure) {
          try {
            if (failure) std::rethrow_exception(failure);
          } catch (...) {
            blob.error = current_error().kind();
          }
        }));
    return blob;
  }
  Task<> settle(std::size_t waiting) {
    auto all_wait = [this, waiting] { return clock.sleepers() == waiting; };
    const bool settled = co_await test::eventually(std::move(all_wait));
    CHECK(settled);
  }
};

}  // namespace

TEST_CASE("no registry has more blobs on their way than it takes, from and to it together") {
  Road road;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    road.loop = &loop;
    for (int i = 0; i < 5; ++i) {
      road.start({{"a", 3}, {"b", 16}});
      road.start({{"c", 16}, {"a", 3}});
    }
    std::size_t arrived = 0;
    while (arrived < road.blobs.size()) {
      const std::size_t left = road.blobs.size() - arrived;
      const std::size_t expected = std::min<std::size_t>(left, 3);
      const bool full = co_await test::eventually([&] { return road.transfers.at("a") == expected; });
      CHECK(full);
      co_await road.settle(left - expected);
      CHECK(road.transfers.at("a") == expected);
      const auto next =
          std::find_if(road.blobs.begin(), road.blobs.end(), [](const Blob& one) { return !!one.place; });
      REQUIRE(next != road.blobs.end());
      next->place.reset();
      ++arrived;
    }
    CHECK(road.transfers.at("a") == 0);
    CHECK(road.transfers.at("b") == 0);
  });
}

TEST_CASE("blobs that cross each other between two registries with one place each all arrive") {
  Road road;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    road.loop = &loop;
    for (int i = 0; i < 6; ++i) {
      road.start({{"a", 1}, {"b", 1}});
      road.start({{"b", 1}, {"a", 1}});
    }
    for (std::size_t arrived = 0; arrived < 12; ++arrived) {
      const bool one = co_await test::eventually([&] { return road.transfers.at("a") == 1; });
      CHECK(one);
      CHECK(road.transfers.at("b") == 1);
      const auto next =
          std::find_if(road.blobs.begin(), road.blobs.end(), [](const Blob& blob) { return !!blob.place; });
      REQUIRE(next != road.blobs.end());
      next->place.reset();
    }
  });
}

TEST_CASE("a full registry holds up nobody who does not need it") {
  Road road;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    road.loop = &loop;
    road.start({{"slow", 1}, {"a", 4}});
    for (int i = 0; i < 3; ++i)
      road.start({{"slow", 1}, {"a", 4}});
    co_await road.settle(3);
    const auto& other = road.start({{"a", 4}, {"b", 4}});
    const bool goes = co_await test::eventually([&] { return other.place.has_value(); });
    CHECK(goes);
  });
}

TEST_CASE("who needs two registries gets them, though each is always wanted by somebody else too") {
  Road road;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    road.loop = &loop;
    auto& a = road.start({{"a", 1}});
    auto& b = road.start({{"b", 1}});
    const bool taken = co_await test::eventually([&] { return a.place && b.place; });
    CHECK(taken);
    const auto& both = road.start({{"a", 1}, {"b", 1}});
    co_await road.settle(1);
    const auto& later = road.start({{"a", 1}});
    co_await road.settle(2);
    a.place.reset();
    co_await road.settle(2);
    CHECK_FALSE(later.place);
    b.place.reset();
    const bool goes = co_await test::eventually([&] { return both.place.has_value(); });
    CHECK(goes);
    CHECK_FALSE(later.place);
  });
}

TEST_CASE("who gives up leaves the queue to the next one") {
  Road road;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    road.loop = &loop;
    const auto& first = road.start({{"a", 1}});
    const bool taken = co_await test::eventually([&] { return first.place.has_value(); });
    CHECK(taken);
    auto& both = road.start({{"a", 1}, {"b", 1}});
    co_await road.settle(1);
    const auto& next = road.start({{"b", 1}});
    co_await road.settle(2);
    CHECK_FALSE(next.place);
    both.cancel.emit(boost::asio::cancellation_type::all);
    const bool goes = co_await test::eventually([&] { return next.place.has_value(); });
    CHECK(goes);
    CHECK(both.error == ErrorKind::cancelled);
  });
}
