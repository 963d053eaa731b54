#include "registry/credential_helper.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/json.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr Milliseconds longest{std::chrono::seconds(30)};
constexpr std::size_t max_helper_answer = 64 * 1024;
// credentials/error.go of docker/docker-credential-helpers; it is printed on stdout.
constexpr std::string_view not_found = "credentials not found in native keychain";
// client/credentials.go: this user name marks an identity token.
constexpr std::string_view token_user = "<token>";

std::string program_of(const std::string& name) {
  return "docker-credential-" + name;
}

bool is_safe(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
         c == '-';
}

// What it printed may hold a secret, so how it ended must do.
void check_ended(const std::string& name, const ProcessResult& result) {
  if (result.ok()) return;
  const std::string program = "the credential helper " + program_of(name);
  if (result.timed_out)
    throw Error(ErrorKind::timeout, program + " did not end within 30 seconds; does it wait for a person?");
  const std::string how = result.signal != 0 ? "was ended by signal " + std::to_string(result.signal)
                                             : "exited with code " + std::to_string(result.exit_code);
  throw Error(ErrorKind::unavailable, program + " " + how + "; run `" + program_of(name) +
                                          " get` with the registry's name as its input to see why");
}

}  // namespace

bool is_helper_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), is_safe);
}

std::optional<Credentials> read_helper_answer(const std::string& name, const ProcessResult& result) {
  if (!result.ok() && result.standard_output.find(not_found) != std::string::npos) return std::nullopt;
  check_ended(name, result);
  const std::string program = "the credential helper " + program_of(name);
  if (result.truncated) throw Error(ErrorKind::corrupt, program + " printed more than 64 KiB");
  const auto answer = nlohmann::json::parse(result.standard_output, nullptr, false);
  if (!answer.is_object()) throw Error(ErrorKind::corrupt, program + " did not print a JSON object");
  const std::string user(text_at(answer, "Username"));
  Secret secret(std::string(text_at(answer, "Secret")));
  if (user.empty() && secret.empty()) return std::nullopt;
  if (secret.empty()) throw Error(ErrorKind::corrupt, program + " gave a user name without a secret");
  Credentials credentials;
  if (user.empty() || user == token_user) {
    credentials.identity_token = std::move(secret);
  } else {
    credentials.username = user;
    credentials.password = std::move(secret);
  }
  return credentials;
}

CredentialHelper::CredentialHelper(Launcher& launcher, std::string name,
                                   std::vector<std::pair<std::string, std::string>> environment)
    : launcher_(launcher), name_(std::move(name)), environment_(std::move(environment)) {
  if (!is_helper_name(name_))
    throw Error(ErrorKind::invalid,
                "\"" + printable(name_, 80) + "\" is not the name of a credential helper");
}

Task<std::optional<Credentials>> CredentialHelper::get(std::vector<std::string> servers) {
  for (const auto& server : servers) {
    Secret input(server);
    const ProcessResult result = co_await run("get", std::move(input));
    if (auto found = read_helper_answer(name_, result)) co_return found;
  }
  co_return std::nullopt;
}

Task<> CredentialHelper::store(std::string server, Credentials credentials) {
  const bool token = credentials.password.empty();
  const Secret& secret = token ? credentials.identity_token : credentials.password;
  const nlohmann::json message{{"ServerURL", server},
                               {"Username", token ? std::string(token_user) : credentials.username},
                               {"Secret", std::string(secret.reveal())}};
  Secret input(message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  const ProcessResult result = co_await run("store", std::move(input));
  check_ended(name_, result);
}

Task<> CredentialHelper::erase(std::string server) {
  Secret input(server);
  const ProcessResult result = co_await run("erase", std::move(input));
  if (!result.ok() && result.standard_output.find(not_found) != std::string::npos) co_return;
  check_ended(name_, result);
}

Task<ProcessResult> CredentialHelper::run(std::string verb, Secret input) {
  Command command;
  command.argv = {program_of(name_), verb};
  command.environment = environment_;
  command.input = std::string(input.reveal());
  command.timeout = longest;
  command.grace = std::chrono::seconds(1);
  command.output_limit = max_helper_answer;
  command.separate_output = true;
  try {
    co_return co_await launcher_.run(std::move(command));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  throw Error(ErrorKind::invalid, "there is no credential helper " + program_of(name_) +
                                      " in PATH; install it, or remove it from the login file");
}

}  // namespace sluice::registry
