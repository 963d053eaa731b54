#include "net/resolver.hpp"

#include "core/error.hpp"

#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::net {
namespace {

namespace ip = boost::asio::ip;
using Addresses = std::vector<ip::address>;

std::optional<ip::address> address_of(const sockaddr& name) {
  if (name.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &name, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (name.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &name, sizeof v6);
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes, v6.sin6_scope_id);
}

Addresses ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0) throw Error(ErrorKind::unavailable, ::gai_strerror(failure));
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  Addresses addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next)
    if (auto address = address_of(*entry->ai_addr)) addresses.push_back(*address);
  if (addresses.empty()) throw Error(ErrorKind::unavailable, "the name has no address");
  return addresses;
}

}  // namespace

struct Resolver::Flight {
  explicit Flight(const boost::asio::any_io_executor& executor)
      : done(executor, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::steady_timer done;  // never expires; cancelled when the lookup ended
  bool ended = false;
  Addresses addresses;
  std::exception_ptr failure;
};

Resolver::Resolver(Workers& workers, Lookup lookup)
    : workers_(workers),
      lookup_(lookup ? std::move(lookup) : ask_system),
      running_(std::make_shared<Flights>()) {}

Task<Addresses> Resolver::resolve(std::string host) {
  boost::system::error_code no_address;
  const auto literal = ip::make_address(host, no_address);
  if (!no_address) co_return Addresses{literal};

  auto executor = co_await boost::asio::this_coro::executor;
  auto& slot = (*running_)[host];
  if (!slot) {
    slot = std::make_shared<Flight>(executor);
    auto keep_failure = [flight = slot](std::exception_ptr failure) {
      if (failure) flight->failure = failure;
      flight->ended = true;
      flight->done.cancel();
    };
    boost::asio::co_spawn(executor, fly(workers_, lookup_, running_, host, slot), std::move(keep_failure));
  }
  std::shared_ptr<Flight> flight = slot;
  while (!flight->ended) {
    boost::system::error_code woken;
    co_await flight->done.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    if (!flight->ended) throw boost::system::system_error(woken);  // it is the caller who was cancelled
  }
  if (flight->failure) std::rethrow_exception(flight->failure);
  co_return flight->addresses;
}

Task<> Resolver::fly(Workers& workers, Lookup lookup, std::shared_ptr<Flights> running, std::string host,
                     std::shared_ptr<Flight> flight) {
  auto ask = [lookup = std::move(lookup), host] { return lookup(host); };
  std::exception_ptr failure;
  try {
    flight->addresses = co_await workers.run(std::move(ask));
  } catch (...) {
    failure = std::current_exception();
  }
  running->erase(host);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sluice::net
