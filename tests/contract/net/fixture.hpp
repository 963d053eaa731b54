#pragma once
// What the client tests of the room share.

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/workers.hpp"
#include "net/client.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"

#include <functional>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

namespace sluice::test {

/// What one request came to.
struct Outcome {
  int status = 0;
  net::Headers headers;
  std::string url;
  std::string body;
  std::optional<ErrorKind> error;
  std::string message;
};

inline net::Request get(const std::string& url) {
  net::Request request;
  request.url = net::Url::parse(url);
  request.connect_timeout = std::chrono::seconds(20);
  request.header_timeout = std::chrono::seconds(20);
  request.idle_timeout = std::chrono::seconds(20);
  return request;
}

/// Sends and reads the whole answer; errors become part of the outcome.
inline Task<Outcome> fetch(net::Client& client, net::Request request) {
  Outcome outcome;
  try {
    std::unique_ptr<net::Response> response = co_await client.send(std::move(request));
    outcome.status = response->status();
    outcome.headers = response->headers();
    outcome.url = response->url().text();
    outcome.body = co_await response->read_all(1 << 20);
  } catch (const Error& error) {
    outcome.error = error.kind();
    outcome.message = error.what();
  }
  co_return outcome;
}

/// Runs `use(client)` on an event loop of its own.
template <class F>
auto with_client(F use, net::ClientOptions options = {}) {
  SystemClock clock;
  Workers workers(2);
  return run([&]() -> decltype(use(std::declval<net::Client&>())) {
    auto client = net::make_client(clock, workers, options);
    co_return co_await use(*client);
  });
}

/// One request with a client of its own.
inline Outcome fetch_once(net::Request request, net::ClientOptions options = {}) {
  return with_client([&](net::Client& client) { return fetch(client, request); }, std::move(options));
}

/// The answer to a GET of a server that writes exactly these bytes and closes.
inline Outcome fetch_bytes(std::string bytes, const std::string& method = "GET") {
  ScriptedServer server([bytes](Exchange& x) {
    x.read_request();
    x.write(bytes);
  });
  net::Request request = get(server.url("/x?token=secret"));
  request.method = method;
  return fetch_once(std::move(request));
}

inline bool mentions(const Outcome& outcome, std::string_view part) {
  UNSCOPED_INFO(outcome.message);
  return outcome.message.find(part) != std::string::npos;
}

}  // namespace sluice::test
