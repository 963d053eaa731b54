#pragma once
// Programs that keep credentials: docker-credential-<name> (docker/docker-credential-helpers, README,
// "Development"). The program is run without a shell; what it prints is never shown.

#include "core/launcher.hpp"
#include "registry/credentials.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::registry {

/// Letters, digits, '.', '_' and '-', and no '.' or '-' first.
bool is_helper_name(std::string_view name);

/// What `get` ended with; nullopt when the program has no credentials for it. Throws Error(unavailable) that
/// names the program when it failed, Error(corrupt) when its answer cannot be used. Pure.
std::optional<Credentials> read_helper_answer(const std::string& name, const ProcessResult& result);

class CredentialHelper {
 public:
  /// `environment` is put beside what the launcher gives to each program. Throws Error(invalid) when the name
  /// is not one.
  CredentialHelper(Launcher& launcher, std::string name,
                   std::vector<std::pair<std::string, std::string>> environment);

  /// What is kept under the first of these names that it knows. Errors as read_helper_answer(), and invalid
  /// when there is no such program.
  Task<std::optional<Credentials>> get(std::vector<std::string> servers);
  Task<> store(std::string server, Credentials credentials);
  /// An unknown server is fine.
  Task<> erase(std::string server);

 private:
  Task<ProcessResult> run(std::string verb, Secret input);

  Launcher& launcher_;
  std::string name_;
  std::vector<std::pair<std::string, std::string>> environment_;
};

}  // namespace sluice::registry
