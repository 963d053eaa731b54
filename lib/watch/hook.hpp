#pragma once
// One entry of `webhooks:` in the configuration: who sends, and how it proves that it is the one.

#include "config/config.hpp"
#include "core/address.hpp"
#include "core/secret.hpp"
#include "watch/jwks.hpp"
#include "watch/rate_limit.hpp"
#include "watch/sender.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::watch {

/// A keyed hash in a header, for senders of one's own.
struct Hmac {
  Signature how;
  Secret secret;
};

/// A token of OpenID Connect in the Authorization header (RS256, RFC 7515 and RFC 7519).
struct Oidc {
  std::string issuer;
  std::string audience;
  std::string email;     // of the account it was made out to
  PublicKeys keys;       // of a JSON Web Key Set (RFC 7517), or
  std::string keys_url;  // where to get it
};

struct Hook : config::Part {
  const Sender* sender = nullptr;
  Reading reading;
  // Each one that is there must hold.
  Secret secret;  // what Sender::signature says
  Secret token;   // part of the address
  Secret bearer;
  std::string username;
  Secret password;
  std::string header_name;
  Secret header_value;
  Secret standard;  // raw key of Standard Webhooks
  std::optional<Hmac> hmac;
  std::optional<Oidc> oidc;
  std::vector<std::string> topics;  // of Amazon SNS, whose signature is then checked
  std::vector<Network> allow_from;
  Milliseconds window{std::chrono::minutes(5)};  // how old a signed time may be
  Rate rate;
  /// Where the secret is kept, for people: "the variable HUB_HOOK_TOKEN".
  std::string secret_place;
};

/// Reads an entry and notes every mistake in it.
std::shared_ptr<const config::Part> parse_hook(config::Section& section);

/// How this sender proves itself, for people: where the secret is kept, or why there is none.
std::string secret_of(const Hook& hook);
/// The steps on the sender's side that belong to the proof which is configured. `url` is the address to
/// enter.
std::string steps_of(const Hook& hook, const std::string& url);

/// The hook of an entry of the configuration.
const Hook& hook_of(const config::Webhook& entry);

}  // namespace sluice::watch
