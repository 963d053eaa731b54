#pragma once
// Certificates and key sets that senders of webhooks are checked by: fetched over TLS, kept for a while, and
// asked for seldom, whatever arrives.

#include "core/clock.hpp"
#include "core/signal.hpp"
#include "net/client.hpp"
#include "watch/rate_limit.hpp"

#include <list>
#include <set>
#include <string>

namespace sluice::engine {

class Documents {
 public:
  Documents(net::Client& http, Clock& clock) : http_(http), clock_(clock) {}
  /// The document at an https address. What anybody may have named is asked for seldom, so that nobody can
  /// have us ask without end; what the configuration names (`configured`), and what could be had before, is
  /// not held back by that. Throws Error(unavailable) when it cannot be had now.
  Task<std::string> get(std::string url, bool configured);
  /// Asks an address that a proven sender named, seldom as well, and wants nothing but success.
  Task<> touch(std::string url);

 private:
  struct Kept {
    std::string url;
    std::string text;
    Steady until;  // behind it the text is asked for again
  };
  struct Failed {
    std::string url;
    Steady until;
  };
  Task<> wait_for_others(std::string url);
  Task<std::string> fetch(std::string url);
  const Kept* find(const std::string& url);
  bool has_failed(const std::string& url);
  void keep(const std::string& url, const std::string& text);
  void keep_failure(const std::string& url);

  net::Client& http_;
  Clock& clock_;
  watch::RateLimit unknown_{{.per_second = 0.2, .burst = 10}, 1};
  watch::RateLimit touched_{{.per_second = 0.2, .burst = 10}, 1};
  // Apart from each other, so that addresses which somebody made up never drive out what is of use.
  std::list<Kept> kept_;         // the last used one first
  std::list<Failed> failed_;     // the last one first
  std::set<std::string> asked_;  // now
  Signal answered_;
};

}  // namespace sluice::engine
