#pragma once
// A token service (distribution, docs/content/spec/auth/token.md and oauth.md) that signs what the real
// registry accepts.

#include "support/certificates.hpp"
#include "support/registry_process.hpp"
#include "support/scripted_server.hpp"

#include <atomic>
#include <map>
#include <string>
#include <vector>

namespace sluice::test {

/// People with a password may pull and push; everybody else may pull only: a token with less than what was
/// asked, as the specification wants it.
class TokenServer {
 public:
  explicit TokenServer(std::map<std::string, std::string> people = {});

  /// What a registry needs to trust this service.
  RegistryOptions::TokenService settings() const;
  /// A token for "repository:name:actions" scopes.
  std::string token(const std::vector<std::string>& scopes, bool with_push) const;
  /// Everything that was asked, in order.
  std::vector<RecordedRequest> requests() const { return server_.requests(); }
  std::string authority() const { return server_.authority(); }
  /// What the next answers say; 0 leaves it out.
  void set_expires_in(int seconds) { expires_in_ = seconds; }
  /// The refresh token of a person, for POST; each good POST gives it too.
  static std::string refresh_token_of(const std::string& name) { return "refresh+of/" + name; }
  /// GET is answered by 405 from now on.
  void refuse_get() { get_refused_ = true; }

 private:
  void answer(Exchange& exchange, const RecordedRequest& request);
  void answer_form(Exchange& exchange, const std::string& form);

  std::map<std::string, std::string> people_;
  Authority authority_;
  TlsFiles signer_;
  std::atomic<int> expires_in_ = 300;
  std::atomic<bool> get_refused_ = false;
  ScriptedServer server_;  // last: its threads use all above
};

/// The values of one query parameter of a target, percent-decoded, in order.
std::vector<std::string> query_values(const std::string& target, const std::string& name);

}  // namespace sluice::test
