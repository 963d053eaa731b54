#pragma once
// Certificates and key sets that senders of webhooks are checked by: fetched over TLS, kept for a while, and
// asked for seldom, whatever arrives.

#include "core/clock.hpp"
#include "net/client.hpp"
#include "watch/rate_limit.hpp"

#include <list>
#include <optional>
#include <string>

namespace sluice::engine {

class Documents {
 public:
  Documents(net::Client& http, Clock& clock) : http_(http), clock_(clock) {}
  /// The document at an https address. Throws Error(unavailable) when it cannot be had now.
  Task<std::string> get(std::string url);
  /// Asks an address and wants nothing but success.
  Task<> touch(std::string url);

 private:
  struct Kept {
    std::string url;
    std::optional<std::string> text;  // absent: it could not be had
    Steady until;
  };
  Task<std::string> fetch(std::string url);
  const Kept* find(const std::string& url);
  void keep(Kept kept);

  net::Client& http_;
  Clock& clock_;
  watch::RateLimit limit_{{.per_second = 0.2, .burst = 10}, 1};
  std::list<Kept> kept_;
};

}  // namespace sluice::engine
