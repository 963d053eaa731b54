#pragma once
// Name lookups on worker threads. Room-internal.

#include "core/workers.hpp"

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
  explicit Resolver(Workers& workers);
  /// Literal addresses are returned at once. Throws Error(unavailable).
  Task<std::vector<boost::asio::ip::address>> resolve(std::string host);

 private:
  struct Lookup;
  using Lookups = std::map<std::string, std::shared_ptr<Lookup>>;
  static Task<> look_up(Workers& workers, std::shared_ptr<Lookups> running, std::string host,
                        std::shared_ptr<Lookup> lookup);
  Workers& workers_;
  std::shared_ptr<Lookups> running_;
};

}  // namespace sluice::net
