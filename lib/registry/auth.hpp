#pragma once
// Which Authorization goes with a request. Learns each registry's scheme from its challenges and keeps
// tokens. Event-loop thread only.

#include "core/clock.hpp"
#include "core/secret.hpp"
#include "core/signal.hpp"
#include "net/client.hpp"
#include "registry/challenge.hpp"
#include "registry/endpoint.hpp"
#include "registry/token.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::registry {

class Auth {
 public:
  Auth(net::Client& http, Clock& clock) : http_(http), clock_(clock) {}

  /// The header's value, empty when the registry is not known to want one. Fetches a token when there is none
  /// or when its time is nearly over; coroutines that want the same token share one fetch and its failure.
  /// While the service cannot be talked to, the token before is given to its end. Throws unauthorized when
  /// the token service refuses, else what talking to it throws.
  Task<Secret> authorization(Endpoint endpoint, std::vector<std::string> scopes);

  /// A challenge, and the class of the address that it came from.
  struct Learned {
    Challenge challenge;
    net::AddressClass at = net::AddressClass::global;
  };

  /// Takes note of a 401 to a request that carried `sent`: the token is forgotten, the scheme is learned.
  /// True when a second try can do better.
  bool refused(const Endpoint& endpoint, const std::vector<std::string>& scopes, const Secret& sent,
               const Learned& learned);

  /// The challenge that this registry sent last, if any.
  std::optional<Learned> known(const std::string& registry) const;

 private:
  /// One token, or the fetch of it.
  struct Slot {
    std::optional<Credentials> credentials;  // whose token it is: a reload may have changed them
    std::string demanded;                    // scopes that the registry asked for beyond ours
    Secret token;
    Steady renew_at{};
    Steady ends_at{};
    bool fetching = false;
    std::exception_ptr failure;  // of the last fetch
    Signal fetched;
  };

  std::shared_ptr<Slot> slot(const Endpoint& endpoint, const std::vector<std::string>& scopes);
  Task<Token> fetch(Endpoint endpoint, std::vector<std::string> scopes);
  Secret refresh_token(const Endpoint& endpoint);
  void keep_refresh_token(const Endpoint& endpoint, const Token& token);
  Task<> renew(std::shared_ptr<Slot> slot, Endpoint endpoint, std::vector<std::string> scopes);
  void drop_old_slots();

  net::Client& http_;
  Clock& clock_;
  /// A refresh token that a token service gave for a password; kept in memory only.
  struct Refresh {
    std::optional<Credentials> credentials;
    Secret token;
  };

  std::map<std::string, Learned> challenges_;            // by registry
  std::map<std::string, Refresh> refresh_tokens_;        // by registry
  std::map<std::string, std::shared_ptr<Slot>> tokens_;  // by registry and scopes
};

}  // namespace sluice::registry
