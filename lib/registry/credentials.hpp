#pragma once
// What a registry is shown to be let in, and where that comes from. Event-loop thread only.

#include "core/secret.hpp"
#include "core/task.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

struct Endpoint;

struct Credentials {
  std::string username;
  Secret password;
  /// An OAuth2 refresh token, exchanged for access tokens (docs/content/spec/auth/oauth.md of distribution).
  Secret identity_token = {};
  /// A Bearer token that is sent as it is.
  Secret registry_token = {};
  /// For the registry's own host only, whatever token service it names: what a cloud gave us for it.
  bool own_host_only = false;
  bool operator==(const Credentials&) const = default;

  /// There is something to send as Basic: a name with a password, or with an identity token in its place.
  bool has_basic() const;
  /// "user:password" in base64 with the scheme before it.
  Secret basic() const;
};

/// Where the credentials of registries are looked up. Answers are kept, and askers at the same time share one
/// lookup.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// For the repository `path` of a registry; nullopt means to go on without. Throws Error when there should
  /// be credentials and they cannot be had: invalid for a file that cannot be used, unavailable and timeout
  /// for a program or service that fails, unauthorized when it refuses.
  virtual Task<std::optional<Credentials>> find(Endpoint endpoint, std::string path) = 0;
  /// The registry did not take what find() gave: it is looked up anew, though never in quick succession.
  virtual void refused(const Endpoint& endpoint, const std::string& path) = 0;
};

/// The text as it may be shown: empty when one of the secrets is in it, as such or as base64 or percent
/// encoding.
std::string_view without_secrets(std::string_view text, const std::vector<Secret>& secrets);
/// All that is secret of the credentials.
std::vector<Secret> secrets_of(const Credentials& credentials);

}  // namespace sluice::registry
