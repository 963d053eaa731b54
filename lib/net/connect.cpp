#include "net/connection.hpp"
#include "net/deadline.hpp"
#include "net/failure.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

namespace asio = boost::asio;
using Endpoint = asio::generic::stream_protocol::endpoint;

// Every connection of the client is made here, to one of the addresses that Connector::permitted() let pass.
Task<Socket> connect_to(Endpoint endpoint) {
  auto executor = co_await asio::this_coro::executor;
  Socket socket(executor);
  socket.open(endpoint.protocol());
  co_await socket.async_connect(endpoint, asio::use_awaitable);
  co_return std::move(socket);
}

// A type that parallel groups can make a default of.
Task<std::optional<Socket>> connect_within(Clock& clock, Endpoint endpoint, Steady deadline) {
  auto connect = [](Endpoint to) -> Task<std::optional<Socket>> {
    co_return std::optional<Socket>(co_await connect_to(std::move(to)));
  };
  auto connecting = connect(std::move(endpoint));
  co_return co_await before(std::move(connecting), clock.sleep_until(deadline));
}

}  // namespace

ConnectionKey key_of(const Request& request) {
  const bool secure = request.url.scheme == "https";
  return {request.url.scheme, request.url.host, request.url.port, secure ? request.tls : TlsOptions{}};
}

Task<std::unique_ptr<Connection>> Connector::open(const Request& request) {
  const Steady deadline = clock_.steady() + request.connect_timeout;
  std::unique_ptr<Connection> connection;
  std::exception_ptr failure;
  Phase phase = Phase::connecting;
  if (request.url.scheme == "unix") {
    try {
      Endpoint endpoint = asio::local::stream_protocol::endpoint(request.url.host);
      auto socket = co_await connect_within(clock_, endpoint, deadline);
      connection = std::make_unique<Connection>(key_of(request), std::move(*socket), AddressClass::loopback);
    } catch (...) {
      failure = std::current_exception();
    }
  } else {
    Connected made = co_await open_tcp(request, deadline);
    connection = std::make_unique<Connection>(key_of(request), std::move(made.socket), made.reached_at);
    phase = Phase::tls;
    try {
      if (request.url.scheme == "https") {
        auto context = co_await contexts_.get(request.tls);
        auto handshake = connection->stream.secure(std::move(context), request.url.host);
        co_await before(std::move(handshake), clock_.sleep_until(deadline));
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure) throw failed(request, phase, request.connect_timeout, failure);
  co_return connection;
}

Task<std::vector<asio::ip::address>> Connector::look_up(const Request& request, Steady deadline) {
  std::exception_ptr failure;
  try {
    auto resolving = resolver_.resolve(request.url.host);
    co_return co_await before(std::move(resolving), clock_.sleep_until(deadline));
  } catch (...) {
    failure = std::current_exception();
  }
  throw failed(request, Phase::resolving, request.connect_timeout, failure);
}

// The one place that decides whether we may talk to an address: after the lookup, so that what is checked is
// what is connected to, whatever the name resolved to a moment ago. Those that may not are passed over.
std::vector<asio::ip::address> Connector::permitted(const Request& request,
                                                    const std::vector<Address>& found) const {
  std::vector<Address> addresses;
  std::string why = "the name has no address";
  for (const auto& address : found) {
    const AddressClass kind = options_.classify(address);
    if (request.reach.permits(kind))
      addresses.push_back(address);
    else
      why = request.reach.refusal(request.url.host, address.to_string(), kind);
  }
  if (!addresses.empty()) return addresses;
  const Phase phase = found.empty() ? Phase::resolving : Phase::connecting;
  const ErrorKind kind = found.empty() ? ErrorKind::unavailable : ErrorKind::denied;
  throw failed(request, phase, request.connect_timeout, std::make_exception_ptr(Error(kind, why)));
}

Task<Connector::Connected> Connector::open_tcp(const Request& request, Steady deadline) {
  const auto found = co_await look_up(request, deadline);
  const auto addresses = permitted(request, found);
  std::exception_ptr failure;
  std::string reasons;
  for (std::size_t at = 0; at < addresses.size(); ++at) {
    // A dead address must not use up the time of those behind it.
    const Steady now = clock_.steady();
    const Steady share = now + (deadline - now) / static_cast<int>(addresses.size() - at);
    Endpoint endpoint = asio::ip::tcp::endpoint(addresses[at], request.url.port);
    std::optional<Socket> socket;
    try {
      socket = co_await connect_within(clock_, endpoint, share);
    } catch (...) {
      failure = std::current_exception();
    }
    if (socket) co_return Connected{std::move(*socket), options_.classify(addresses[at])};
    const Error error = failed(request, Phase::connecting, request.connect_timeout, failure);
    if (at + 1 == addresses.size() && reasons.empty()) throw error;
    constexpr std::size_t enough = 400;
    if (reasons.size() < enough)
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", addresses[at].to_string(),
                             error.kind() == ErrorKind::timeout ? "no answer in time" : reason_of(failure));
    if (at + 1 == addresses.size()) {
      auto all = std::make_exception_ptr(Error(error.kind(), reasons));
      throw failed(request, Phase::connecting, request.connect_timeout, all);
    }
  }
  throw Error(ErrorKind::internal, "permitted() gave no address");
}

}  // namespace sluice::net
