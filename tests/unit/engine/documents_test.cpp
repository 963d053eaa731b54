// Certificates and key sets stay at hand, whatever addresses are made up.

#include "engine/documents.hpp"

#include "core/error.hpp"
#include "core/signal.hpp"
#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <functional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

const std::string certificate = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem";
const std::string key_set = "https://login.example.com/keys";

std::string forged(int number) {
  return "https://sns.us-west-2.amazonaws.com/SimpleNotificationServiceX" + std::to_string(number) + ".pem";
}

class Page final : public net::Response {
 public:
  Page(net::Url url, int status) : url_(std::move(url)), status_(status), left_("text of " + url_.text()) {}
  int status() const override { return status_; }
  const net::Headers& headers() const override { return headers_; }
  const net::Url& url() const override { return url_; }
  std::optional<std::uint64_t> content_length() const override { return std::nullopt; }
  Task<std::size_t> read(std::span<char> buffer) override {
    const auto count = left_.copy(buffer.data(), buffer.size());
    left_.erase(0, count);
    co_return count;
  }

 private:
  net::Url url_;
  int status_;
  net::Headers headers_;
  std::string left_;
};

/// Has the certificate and the keys, and nothing else.
class Web final : public net::Client {
 public:
  explicit Web(Clock& clock) : clock_(clock) {}
  Task<std::unique_ptr<net::Response>> send(net::Request request) override {
    asked.push_back(request.url.text());
    if (closed) co_await open.wait_past(0, clock_, clock_.steady() + 1h);
    const bool there = asked.back() == certificate || asked.back() == key_set;
    co_return std::make_unique<Page>(request.url, there && !down ? 200 : 404);
  }
  void close_idle() override {}
  std::ptrdiff_t times(const std::string& url) const { return std::count(asked.begin(), asked.end(), url); }

  std::vector<std::string> asked;
  bool down = false;
  bool closed = false;  // answers wait for `open`
  Signal open;

 private:
  Clock& clock_;
};

struct Fetching {
  FakeClock clock;
  Web web{clock};
  engine::Documents documents{web, clock};

  /// Why it cannot be had, empty when it can.
  Task<std::string> failure(std::string url, bool configured = false) {
    try {
      const auto text = co_await documents.get(url, configured);
      co_return text == "text of " + url ? "" : "another text";
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::unavailable);
      co_return error.what();
    }
  }
  Task<> forge(int count) {
    for (int i = 0; i < count; ++i) {
      const auto why = co_await failure(forged(i));
      CHECK_FALSE(why.empty());
    }
  }
};

}  // namespace

TEST_CASE("A certificate that was had stays at hand while very many made-up ones are named") {
  Fetching fetching;
  run([&]() -> Task<> {
    auto why = co_await fetching.failure(certificate);
    CHECK(why.empty());
    co_await fetching.forge(50);
    why = co_await fetching.failure(certificate);
    CHECK(why.empty());
    CHECK(fetching.web.times(certificate) == 1);
    CHECK(fetching.web.asked.size() == 10);  // the burst, with the certificate
    // Grown old, it is asked for again, although others used up what may be asked.
    fetching.clock.advance(16min);
    co_await fetching.forge(50);
    why = co_await fetching.failure(certificate);
    CHECK(why.empty());
    CHECK(fetching.web.times(certificate) == 2);
  });
}

TEST_CASE("What may not be asked for now is no failure of that address") {
  Fetching fetching;
  run([&]() -> Task<> {
    co_await fetching.forge(20);
    auto why = co_await fetching.failure(certificate);
    CHECK_THAT(why, Catch::Contains("too many"));
    fetching.clock.advance(5s);
    why = co_await fetching.failure(certificate);
    CHECK(why.empty());
  });
}

TEST_CASE("The address that the configuration names is asked whatever strangers named") {
  Fetching fetching;
  run([&]() -> Task<> {
    co_await fetching.forge(50);
    fetching.web.down = true;
    auto why = co_await fetching.failure(key_set, true);
    CHECK_THAT(why, Catch::Contains("404"));
    fetching.web.down = false;
    why = co_await fetching.failure(key_set, true);
    CHECK_THAT(why, Catch::Contains("a moment ago"));
    fetching.clock.advance(11s);
    why = co_await fetching.failure(key_set, true);
    CHECK(why.empty());
    CHECK(fetching.web.times(key_set) == 2);
  });
}

TEST_CASE("Who asks for what is being asked for gets the same answer") {
  Fetching fetching;
  fetching.web.closed = true;
  int had = 0;
  const auto count = [&had](std::exception_ptr, const std::string& why) { had += why.empty() ? 1 : 0; };
  run([&]() -> Task<> {
    const auto executor = co_await boost::asio::this_coro::executor;
    for (int i = 0; i < 3; ++i)
      boost::asio::co_spawn(executor, fetching.failure(certificate), count);
    // The first one waits for its answer, the others for the first one.
    const bool waiting = co_await eventually([&] { return fetching.clock.sleepers() == 3; });
    CHECK(waiting);
    fetching.web.open.notify();
    const bool all = co_await eventually([&] { return had == 3; });
    CHECK(all);
  });
  CHECK(fetching.web.times(certificate) == 1);
}
