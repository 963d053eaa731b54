#pragma once
// What every webhook sender is to us: a pure function that reads its deliveries, and how it proves who it is.
// One file in lib/watch/senders/ each, one line in the table (senders.cpp).

#include "net/http.hpp"
#include "net/signature.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::watch {

/// One request as it came in.
struct Delivery {
  const net::Headers& headers;
  std::string_view body;
};

/// A repository of which something was pushed. Only a hint where to look: no digest is ever taken from a
/// payload.
struct Event {
  /// "docker.io/library/node". More than one when the sender leaves open under which name it is pulled.
  std::vector<std::string> repositories;
  std::vector<std::string> tags;
  bool every_tag = false;  // the sender does not say which
  bool any_case = false;   // the sender writes tags in lower case
  bool operator==(const Event&) const = default;
};

/// A branch or tag of a git repository that was moved. Only a hint what to build: no commit is ever taken
/// from a payload.
struct GitPush {
  std::vector<std::string> urls;  // of the repository, in all the ways in which it is reached
  std::string ref;                // "refs/heads/main"
  bool is_default = false;        // it is the branch that the repository begins with
  bool operator==(const GitPush&) const = default;
};

struct Parsed {
  /// What the sender calls this delivery, the same when it tries again. Empty when it has no name for it.
  std::string id;
  /// The body holds the time or a number of the event, so an equal body is the same event.
  bool body_is_unique = false;
  std::vector<Event> events;
  std::vector<GitPush> pushes;
  std::string note;   // why there is no event: "a pull", "ping"
  std::string reply;  // JSON that the sender wants as the answer, instead of ours
  /// An address that must be asked before the sender sends more (Amazon SNS).
  std::string confirm;
};

/// What of the configuration a parse function needs.
struct Reading {
  /// "registry.example.com" or "example.com/docker-virtual": put before paths, instead of what the sender
  /// says.
  std::string registry;
  /// JSON pointers by name (`fields`).
  std::map<std::string, std::string> fields;
};

/// How a sender signs, or what it sends as it is. Said by `secret` in the configuration.
struct Signature {
  enum class Kind {
    hmac,           // a keyed hash of the body
    hmac_or_plain,  // a keyed hash, or the secret itself: the sender's administrator decides
    plain,          // the secret itself
  };
  Kind kind = Kind::hmac;
  net::Hash hash = net::Hash::sha256;
  std::vector<std::string> headers = {};  // any of them
  std::string prefix = {};                // before the hash
  bool base64 = false;                    // instead of hexadecimal
};

struct Sender {
  std::string_view name = {};
  /// Throws Error(invalid) with a reason that helps the sender's administrator.
  Parsed (*parse)(const Delivery&, const Reading&) = nullptr;
  std::optional<Signature> signature = {};
  /// Registry when the configuration names none; empty: the payload names it, or `needs_registry`.
  std::string_view registry = {};
  bool needs_registry = false;
  bool handshake = false;  // asks by OPTIONS first (CloudEvents HTTP webhook 4)
  bool oidc = false;       // may prove itself by a signed token (`oidc`)
  bool sns = false;        // may come through Amazon SNS (`sns`)
  bool fields = false;     // the configuration says where in the payload things are
  /// The best proof that it offers, as configuration: "secret: {env: HUB_SECRET}".
  std::string_view advice = {};
  /// What to do on the sender's side. {url} is the address to enter, {secret} says where the secret is kept,
  /// {header} is the header that holds it; {email} and {audience} are those of `oidc`, {topic} is that of
  /// SNS.
  std::string_view steps = {};
  /// The same where it proves itself in another way, when the steps are then others.
  std::string_view token_steps = {};
  std::string_view oidc_steps = {};
  std::string_view sns_steps = {};
};

/// Nullptr for an unknown name.
const Sender* sender(std::string_view name);
std::vector<std::string> sender_names();

}  // namespace sluice::watch
