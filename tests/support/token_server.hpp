#pragma once
// A token service (distribution, docs/content/spec/auth/token.md) that signs what the real registry accepts.

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

 private:
  void answer(Exchange& exchange, const RecordedRequest& request);

  std::map<std::string, std::string> people_;
  Authority authority_;
  TlsFiles signer_;
  std::atomic<int> expires_in_ = 300;
  ScriptedServer server_;  // last: its threads use all above
};

/// The values of one query parameter of a target, percent-decoded, in order.
std::vector<std::string> query_values(const std::string& target, const std::string& name);

}  // namespace sluice::test
