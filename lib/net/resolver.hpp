#pragma once
// Name lookups on worker threads. Room-internal.

#include "core/workers.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

namespace sluice::net {

/// getaddrinfo cannot be cancelled. So a caller that gives up leaves its lookup running, and everybody who
/// asks for the same name meanwhile waits for that one: a name server that hangs costs one worker thread for
/// each name at most.
class Resolver {
 public:
  using Lookup = std::function<std::vector<boost::asio::ip::address>(const std::string& host)>;
  /// `lookup` runs on a worker thread; empty: the system's.
  Resolver(Workers& workers, Lookup lookup);
  /// Literal addresses are returned at once. Throws Error(unavailable).
  Task<std::vector<boost::asio::ip::address>> resolve(std::string host);

 private:
  struct Flight;
  using Flights = std::map<std::string, std::shared_ptr<Flight>>;
  static Task<> fly(Workers& workers, Lookup lookup, std::shared_ptr<Flights> running, std::string host,
                    std::shared_ptr<Flight> flight);
  Workers& workers_;
  Lookup lookup_;
  std::shared_ptr<Flights> running_;
};

}  // namespace sluice::net
