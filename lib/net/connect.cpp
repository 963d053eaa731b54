#include "net/connection.hpp"
#include "net/deadline.hpp"
#include "net/failure.hpp"
#include "net/tunnel.hpp"

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

// What the name of a host behind a proxy leads to only the proxy knows; a spelled address is judged all the
// same. Throws Error(denied).
AddressClass class_behind_proxy(const Request& request, const ClientOptions& options) {
  const auto address = literal_address(request.url.host);
  if (!address) return AddressClass::global;
  const AddressClass kind = options.classify(*address);
  if (request.reach.permits(kind)) return kind;
  const auto why = request.reach.refusal(request.url.host, address->to_string(), kind);
  throw failed(request, Phase::connecting, request.connect_timeout,
               std::make_exception_ptr(Error(ErrorKind::denied, why)));
}

// Until when the next of so many addresses is tried: a dead one must not use up the time of those behind it.
Steady share_of(Steady deadline, Steady now, std::size_t addresses) {
  return now + (deadline - now) / static_cast<int>(addresses);
}

bool needs_tunnel(const Request& request, const Proxy& proxy) {
  return proxy.kind != Proxy::Kind::http || request.url.scheme == "https";
}

}  // namespace

ConnectionKey key_of(const Request& request, std::optional<Proxy> proxy) {
  const bool secure = request.url.scheme == "https";
  return {request.url.scheme, request.url.host, request.url.port, secure ? request.tls : TlsOptions{},
          std::move(proxy)};
}

Task<std::unique_ptr<Connection>> Connector::open(const Request& request, std::optional<Proxy> proxy) {
  const Steady deadline = clock_.steady() + request.connect_timeout;
  std::unique_ptr<Connection> connection;
  std::exception_ptr failure;
  if (request.url.scheme == "unix") {
    try {
      Endpoint endpoint = asio::local::stream_protocol::endpoint(request.url.host);
      auto socket = co_await connect_within(clock_, endpoint, deadline);
      connection = std::make_unique<Connection>(clock_, key_of(request, std::nullopt), std::move(*socket),
                                                AddressClass::loopback);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) throw failed(request, Phase::connecting, request.connect_timeout, failure);
    co_return connection;
  }
  if (proxy) {
    connection = co_await open_through(request, *proxy, deadline);
  } else {
    const Goal goal{request, request.url.host, request.url.port, request.reach, "", deadline};
    Connected made = co_await open_tcp(goal);
    connection = std::make_unique<Connection>(clock_, key_of(request, std::nullopt), std::move(made.socket),
                                              made.reached_at);
  }
  if (request.url.scheme != "https") co_return connection;
  try {
    auto context = co_await contexts_.get(request.tls);
    auto handshake = connection->stream.secure(std::move(context), request.url.host);
    co_await before(std::move(handshake), clock_.sleep_until(deadline));
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) throw failed(request, Phase::tls, request.connect_timeout, failure, connection->via());
  co_return connection;
}

Task<std::unique_ptr<Connection>> Connector::open_through(const Request& request, Proxy proxy,
                                                          Steady deadline) {
  const AddressClass spelled = class_behind_proxy(request, options_);
  if (proxy.resolves()) {
    std::string target = request.url.host;
    co_return co_await open_tunnel_to(request, std::move(proxy), std::move(target), spelled, deadline);
  }
  const Goal goal{request, request.url.host, request.url.port, request.reach, "", deadline};
  const auto found = co_await look_up(goal);
  const auto addresses = permitted(goal, found);
  // A proxy may reach one kind of address and not the other; what it says of the last one is told.
  for (std::size_t at = 0;; ++at) {
    const Steady share = share_of(deadline, clock_.steady(), addresses.size() - at);
    std::string target = addresses[at].to_string();
    const AddressClass kind = options_.classify(addresses[at]);
    try {
      co_return co_await open_tunnel_to(request, proxy, std::move(target), kind, share);
    } catch (const Error& error) {
      const bool other_may_do = error.kind() == ErrorKind::unavailable ||
                                error.kind() == ErrorKind::timeout || error.kind() == ErrorKind::invalid;
      if (at + 1 == addresses.size() || !other_may_do) throw;
    }
  }
}

// The operator configured the proxy, so it may be anywhere that a configured host may be.
Task<std::unique_ptr<Connection>> Connector::open_tunnel_to(const Request& request, Proxy proxy,
                                                            std::string target, AddressClass reached_at,
                                                            Steady deadline) {
  const Goal goal{request, proxy.host, proxy.port, Reach{}, proxy.text(), deadline};
  Connected made = co_await open_tcp(goal);
  auto connection =
      std::make_unique<Connection>(clock_, key_of(request, proxy), std::move(made.socket), reached_at);
  if (!needs_tunnel(request, proxy)) co_return connection;
  std::exception_ptr failure;
  try {
    auto opening = open_tunnel(connection->stream, std::move(proxy), std::move(target), request.url.port);
    co_await before(std::move(opening), clock_.sleep_until(deadline));
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) throw failed(request, Phase::tunnel, request.connect_timeout, failure, goal.via);
  co_return connection;
}

Task<std::vector<asio::ip::address>> Connector::look_up(const Goal& goal) {
  std::exception_ptr failure;
  try {
    auto resolving = resolver_.resolve(goal.host);
    co_return co_await before(std::move(resolving), clock_.sleep_until(goal.deadline));
  } catch (...) {
    failure = std::current_exception();
  }
  throw failed(goal.request, Phase::resolving, goal.request.connect_timeout, failure, goal.via);
}

// The one place that decides whether we may talk to an address: after the lookup, so that what is checked is
// what is connected to, whatever the name resolved to a moment ago. Those that may not are passed over.
std::vector<asio::ip::address> Connector::permitted(const Goal& goal,
                                                    const std::vector<Address>& found) const {
  std::vector<Address> addresses;
  std::string why = "the name has no address";
  for (const auto& address : found) {
    const AddressClass kind = options_.classify(address);
    if (goal.reach.permits(kind))
      addresses.push_back(address);
    else
      why = goal.reach.refusal(goal.host, address.to_string(), kind);
  }
  if (!addresses.empty()) return addresses;
  const Phase phase = found.empty() ? Phase::resolving : Phase::connecting;
  const ErrorKind kind = found.empty() ? ErrorKind::unavailable : ErrorKind::denied;
  throw failed(goal.request, phase, goal.request.connect_timeout, std::make_exception_ptr(Error(kind, why)),
               goal.via);
}

Task<Connector::Connected> Connector::open_tcp(const Goal& goal) {
  const auto found = co_await look_up(goal);
  const auto addresses = permitted(goal, found);
  const Milliseconds limit = goal.request.connect_timeout;
  std::exception_ptr failure;
  std::string reasons;
  for (std::size_t at = 0; at < addresses.size(); ++at) {
    const Steady share = share_of(goal.deadline, clock_.steady(), addresses.size() - at);
    Endpoint endpoint = asio::ip::tcp::endpoint(addresses[at], goal.port);
    std::optional<Socket> socket;
    try {
      socket = co_await connect_within(clock_, endpoint, share);
    } catch (...) {
      failure = std::current_exception();
    }
    if (socket) co_return Connected{std::move(*socket), options_.classify(addresses[at])};
    const Error error = failed(goal.request, Phase::connecting, limit, failure, goal.via);
    if (at + 1 == addresses.size() && reasons.empty()) throw error;
    constexpr std::size_t enough = 400;
    if (reasons.size() < enough)
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", addresses[at].to_string(),
                             error.kind() == ErrorKind::timeout ? "no answer in time" : reason_of(failure));
    if (at + 1 == addresses.size()) {
      auto all = std::make_exception_ptr(Error(error.kind(), reasons));
      throw failed(goal.request, Phase::connecting, limit, all, goal.via);
    }
  }
  throw Error(ErrorKind::internal, "permitted() gave no address");
}

}  // namespace sluice::net
