// Bodies of any size, both ways.

#include "fixture.hpp"
#include "support/certificates.hpp"

#include <fstream>
#include <unistd.h>

using namespace sluice;
using namespace sluice::test;

namespace {

/// Gives `size` bytes without holding them.
class Zeros final : public net::BodySource {
 public:
  explicit Zeros(std::uint64_t size) : left_(size) {}
  Task<std::size_t> read(std::span<char> buffer) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
    std::fill_n(buffer.begin(), count, '\0');
    left_ -= count;
    co_return count;
  }
  std::uint64_t left() const { return left_; }

 private:
  std::uint64_t left_;
};

class Failing final : public net::BodySource {
 public:
  Task<std::size_t> read(std::span<char>) override {
    throw Error(ErrorKind::not_found, "the blob is gone");
    co_return 0;
  }
};

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

net::Request upload(const ScriptedServer& server, net::BodySource& source, std::uint64_t length) {
  auto request = get(server.url());
  request.method = "PUT";
  request.stream = &source;
  request.stream_length = length;
  return request;
}

constexpr std::uint64_t huge = std::uint64_t{256} << 20;

}  // namespace

TEST_CASE("D4: a huge body is read in flat memory") {
  for (const bool chunked : {false, true}) {
    ScriptedServer server([chunked](Exchange& x) {
      x.read_request();
      const std::string piece(1 << 20, 'x');
      x.write(
          "HTTP/1.1 200 OK\r\n" +
          (chunked ? std::string("Transfer-Encoding: chunked") : "Content-Length: " + std::to_string(huge)) +
          "\r\n\r\n");
      for (std::uint64_t sent = 0; sent < huge; sent += piece.size())
        x.write(chunked ? "100000\r\n" + piece + "\r\n" : piece);
      if (chunked) x.write("0\r\n\r\n");
      x.stall();
    });
    const std::size_t before = resident_bytes();
    const std::uint64_t total = with_client([&](net::Client& client) -> Task<std::uint64_t> {
      auto response = co_await client.send(get(server.url()));
      std::vector<char> buffer(256 * 1024);
      std::uint64_t sum = 0;
      while (const std::size_t count = co_await response->read(buffer))
        sum += count;
      co_return sum;
    });
    CHECK(total == huge);
    CHECK(resident_bytes() < before + (64 << 20));
  }
}

TEST_CASE("a stream is sent with its length") {
  ScriptedServer server([](Exchange& x) {
    const auto request = x.read_request();
    x.answer(201, std::to_string(request.body.size()));
  });
  Zeros zeros(3'000'000);
  const Outcome outcome = fetch_once(upload(server, zeros, 3'000'000));
  CHECK(outcome.status == 201);
  CHECK(outcome.body == "3000000");
}

TEST_CASE("a stream goes through TLS as well") {
  Authority authority;
  ScriptedServer server(
      [](Exchange& x) {
        const auto request = x.read_request();
        x.answer(201, std::to_string(request.body.size()));
      },
      authority.issue());
  Zeros zeros(3'000'000);
  auto request = upload(server, zeros, 3'000'000);
  request.tls.ca = {authority.certificate()};
  CHECK(fetch_once(request).body == "3000000");
}

TEST_CASE("C2: an early answer to an upload is not hidden behind a broken pipe") {
  for (const int status : {401, 413, 500}) {
    ScriptedServer server([status](Exchange& x) {
      x.read_head();
      x.answer(status, "no", "Connection: close\r\n");
    });
    Zeros zeros(huge);
    const Outcome outcome = fetch_once(upload(server, zeros, huge));
    INFO(outcome.message);
    CHECK(outcome.status == status);
    CHECK(outcome.body == "no");
    CHECK(zeros.left() > 0);
  }
}

TEST_CASE("C2: an early answer followed by a reset is seen") {
  ScriptedServer server([](Exchange& x) {
    x.read_head();
    x.answer(401);
    x.reset();
  });
  Zeros zeros(huge);
  const Outcome outcome = fetch_once(upload(server, zeros, huge));
  // The reset may overtake the answer; what must not happen is success or a hang.
  CHECK((outcome.status == 401 || outcome.error == ErrorKind::unavailable));
}

TEST_CASE("a connection on which an upload was cut short is not used again") {
  ScriptedServer server([](Exchange& x) {
    x.read_head();
    x.answer(401);
    x.stall();
  });
  with_client([&](net::Client& client) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      Zeros zeros(huge);
      const Outcome outcome = co_await fetch(client, upload(server, zeros, huge));
      CHECK(outcome.status == 401);
    }
  });
  CHECK(server.connections() == 2);
}

TEST_CASE("C2: a peer that closes during an upload without an answer is unavailable, in the sending phase") {
  ScriptedServer server([](Exchange& x) {
    x.read_head();
    x.reset();
  });
  Zeros zeros(huge);
  const Outcome outcome = fetch_once(upload(server, zeros, huge));
  CHECK(outcome.error == ErrorKind::unavailable);
  CHECK(mentions(outcome, "sending the request"));
}

TEST_CASE("what the source of an upload throws comes through unchanged") {
  ScriptedServer server([](Exchange& x) { x.stall(); });
  Failing source;
  const Outcome outcome = fetch_once(upload(server, source, 10));
  CHECK(outcome.error == ErrorKind::not_found);
  CHECK(outcome.message == "the blob is gone");
}

TEST_CASE("a source that ends before its announced length is corrupt") {
  ScriptedServer server([](Exchange& x) { x.stall(); });
  Zeros zeros(5);
  CHECK(fetch_once(upload(server, zeros, 10)).error == ErrorKind::corrupt);
}

TEST_CASE("C10: a request with a stream is never repeated") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.answer(200, "ok");
    x.read_request();
  });
  with_client([&](net::Client& client) -> Task<> {
    co_await fetch(client, get(server.url()));
    Zeros zeros(10);
    const Outcome outcome = co_await fetch(client, upload(server, zeros, 10));
    CHECK(outcome.error == ErrorKind::unavailable);
  });
  CHECK(server.connections() == 1);
}

TEST_CASE("an answer can be the stream of the next request") {
  ScriptedServer from([](Exchange& x) {
    x.read_request();
    x.answer(200, std::string(1'000'000, 'c'));
  });
  ScriptedServer to([](Exchange& x) {
    x.read_request();
    x.answer(201);
  });
  with_client([&](net::Client& client) -> Task<> {
    auto response = co_await client.send(get(from.url()));
    const Outcome outcome = co_await fetch(client, upload(to, *response, *response->content_length()));
    CHECK(outcome.status == 201);
  });
  CHECK(to.requests().at(0).body == std::string(1'000'000, 'c'));
}
