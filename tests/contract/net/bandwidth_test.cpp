// Limits of bandwidth on real transfers, with a clock that the test owns: what is measured is what was slept.

#include "fixture.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

/// Real time, but sleeping for a throttle ends at once and is added up. Deadlines of a minute and more stay
/// real.
class CountingClock final : public Clock {
 public:
  Time now() const override { return real_.now(); }
  Steady steady() const override { return real_.steady() + skipped; }
  Task<> sleep_until(Steady at) override {
    const auto wait = at - steady();
    if (wait >= std::chrono::seconds(60)) {
      co_await real_.sleep_until(at - skipped);
      co_return;
    }
    if (wait > Steady::duration::zero()) skipped += wait;
    auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
  }
  Steady::duration skipped{};

 private:
  SystemClock real_;
};

constexpr std::size_t body_size = 3'000'000;

class PacedZeros final : public net::BodySource {
 public:
  Task<std::size_t> read(std::span<char> buffer) override {
    largest = std::max(largest, buffer.size());
    co_return buffer.size();
  }
  std::size_t largest = 0;
};

/// Seconds slept by a download and by an upload of `body_size` bytes.
std::pair<double, double> slept(std::shared_ptr<net::Bandwidth> everybody,
                                std::shared_ptr<net::Bandwidth> own) {
  ScriptedServer server(answer_all([](Exchange& x, const RecordedRequest& request) {
    x.answer(200, request.method == "GET" ? std::string(body_size, 'x') : std::string());
  }));
  CountingClock clock;
  Workers workers(1);
  return run([&]() -> Task<std::pair<double, double>> {
    net::ClientOptions options;
    options.bandwidth = everybody;
    auto client = net::make_client(clock, workers, options);
    const auto seconds = [&] { return std::chrono::duration<double>(clock.skipped).count(); };
    const auto patient = [&] {
      auto request = get(server.url());
      request.connect_timeout = request.header_timeout = request.idle_timeout = std::chrono::hours(1);
      request.bandwidth = own;
      return request;
    };
    auto response = co_await client->send(patient());
    const std::string body = co_await response->read_all(body_size);
    CHECK(body.size() == body_size);
    const double down = seconds();
    PacedZeros zeros;
    auto upload = patient();
    upload.method = "PUT";
    upload.stream = &zeros;
    upload.stream_length = body_size;
    response = co_await client->send(std::move(upload));
    CHECK(response->status() == 200);
    co_return std::pair<double, double>(down, seconds() - down);
  });
}

}  // namespace

TEST_CASE("downloads and uploads keep to the limit of all, and to their own where that is lower") {
  const auto limit = [](std::uint64_t rate) { return std::make_shared<net::Bandwidth>(rate); };
  const std::pair<std::shared_ptr<net::Bandwidth>, std::shared_ptr<net::Bandwidth>> limits[] = {
      {limit(1'000'000), nullptr}, {nullptr, limit(1'000'000)}, {limit(50'000'000), limit(1'000'000)}};
  for (const auto& [everybody, own] : limits) {
    const auto [down, up] = slept(everybody, own);
    // Three seconds each, less the burst; the real time that passes counts too, so less is slept, never more.
    CHECK(down > 1.0);
    CHECK(down < 3.2);
    CHECK(up > 1.0);
    CHECK(up < 3.6);
  }
}

TEST_CASE("a request without a body does not wait for the bodies of others") {
  ScriptedServer server(answer_all([](Exchange& x, const RecordedRequest&) { x.answer(404); }));
  CountingClock clock;
  Workers workers(1);
  run([&]() -> Task<> {
    net::ClientOptions options;
    options.bandwidth = std::make_shared<net::Bandwidth>(10'000);
    options.bandwidth->take(1'000'000'000, clock.steady());
    auto client = net::make_client(clock, workers, options);
    auto request = get(server.url());
    request.connect_timeout = request.header_timeout = request.idle_timeout = std::chrono::hours(1);
    const auto response = co_await client->send(std::move(request));
    CHECK(response->status() == 404);
    CHECK(clock.skipped == Steady::duration::zero());
  });
}

TEST_CASE("without a limit nothing is slept") {
  const auto [down, up] = slept(std::make_shared<net::Bandwidth>(), nullptr);
  CHECK(down == 0);
  CHECK(up == 0);
}
