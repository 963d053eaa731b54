// `sluice login REGISTRY` and `sluice logout REGISTRY`: the logins that docker, podman and skopeo share.

#include "command_world.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "engine/network.hpp"
#include "exit_code.hpp"
#include "login_file.hpp"
#include "prompt.hpp"
#include "registry/client.hpp"
#include "registry/credential_helper.hpp"
#include "registry/docker_config.hpp"
#include "registry/docker_credentials.hpp"
#include "registry/endpoint.hpp"
#include "registry_tool.hpp"
#include "surroundings.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <iostream>

namespace sluice::daemon {
namespace {

using registry::Credentials;

// The registry by the name that counts, whatever a person copied from elsewhere.
std::string registry_named(const std::string& given) {
  auto name = registry::registry_key(given);
  try {
    registry::endpoint_of(name, {});
  } catch (const Error& error) {
    throw Failure(exit_code::usage, error.what());
  }
  return name;
}

Credentials credentials_from(const LoginOptions& options) {
  Credentials credentials;
  credentials.username = options.user;
  if (options.password_stdin) {
    if (options.user.empty()) throw Failure(exit_code::usage, "--password-stdin needs --username");
    credentials.password = secret_from_stdin();
  } else {
    if (!can_ask())
      throw Failure(exit_code::usage,
                    "there is no terminal to ask for the password on: use --password-stdin");
    if (credentials.username.empty()) credentials.username = ask("Username: ");
    credentials.password = ask_secret("Password: ");
  }
  // RFC 7617, section 2: the colon ends the name.
  if (credentials.username.find(':') != std::string::npos)
    throw Failure(exit_code::usage, "a user name holds no colon");
  return credentials;
}

bool verify(CommandWorld& world, const config::Config& config, const LoginOptions& options,
            const std::string& name, const Credentials& credentials) {
  engine::Network network(command_surroundings());
  const auto access_to = [&](const std::string& host) {
    registry::Access access;
    network.give_to(access, host, config.registry(host));
    access.credentials = credentials;
    if (!options.ca.empty()) access.tls.ca = {options.ca};
    return access;
  };
  registry::Client client(*world.http, world.clock, world.random, world.workers, access_to);
  const bool asked = world.run(client.verify(name));
  world.http->close_idle();
  return asked;
}

registry::CredentialHelper helper_named(CommandWorld& world, const std::string& name) {
  return {world.launcher, name, command_surroundings().helper_environment};
}

// Returns how the password is kept.
std::string store(CommandWorld& world, const std::string& file, const std::string& name,
                  const Credentials& credentials) {
  std::string helper;
  change_login_file(file, [&](const std::string& text) -> std::optional<std::string> {
    helper = registry::find_helper(registry::parse_docker_config(text, file), name);
    if (helper.empty()) return registry::with_login(text, file, name, credentials);
    auto keeper = helper_named(world, helper);
    world.run(keeper.store(registry::helper_names_of(name).front(), credentials));
    return registry::with_login(text, file, name, std::nullopt);
  });
  return helper.empty() ? "unencrypted in " + file : "by docker-credential-" + helper;
}

bool has_login(const std::string& file, const std::string& name) {
  return registry::find_auth(registry::parse_docker_config(read_login_file(file), file), name, {})
      .has_value();
}

// What is found before the login that was just made makes it useless, and so does what cannot be read.
void warn_of_earlier(const std::string& file, const std::string& name) {
  for (const auto& earlier : registry::login_files(command_surroundings())) {
    if (earlier == file) return;
    try {
      if (has_login(earlier, name))
        std::cerr << "sluice: " << printable(earlier, 300)
                  << " has a login for this registry too, which is found first\n";
    } catch (const Error& error) {
      std::cerr << "sluice: " << error.what() << "; it is looked at first\n";
    }
  }
}

bool remove_from(CommandWorld& world, const std::string& file, const std::string& name) {
  bool removed = false;
  if (read_login_file(file).empty()) return false;
  change_login_file(file, [&](const std::string& text) -> std::optional<std::string> {
    const auto helper = registry::find_helper(registry::parse_docker_config(text, file), name);
    auto changed = registry::without_login(text, file, name);
    removed = changed.has_value();
    if (!helper.empty() && removed) {
      auto keeper = helper_named(world, helper);
      for (const auto& server : registry::helper_names_of(name))
        world.run(keeper.erase(server));
    }
    return changed;
  });
  return removed;
}

}  // namespace

int login(const LoginOptions& options) {
  const auto name = registry_named(options.registry);
  const auto config = load_reach(options.config);
  const auto file = login_file_for(options.authfile, command_surroundings());
  const auto credentials = credentials_from(options);
  try {
    CommandWorld world(network_for(*config));
    const bool asked = verify(world, *config, options, name, credentials);
    const auto kept = store(world, file, name, credentials);
    print("logged in to " + name + "; the password is kept " + kept);
    if (!asked) std::cerr << "sluice: " << name << " asks nobody for a password, so this one was not tried\n";
    if (options.authfile.empty()) warn_of_earlier(file, name);
  } catch (const Error& error) {
    throw Failure(exit_code_of(error.kind()), error.what());
  }
  return exit_code::ok;
}

int logout(const LogoutOptions& options) {
  const auto name = registry_named(options.registry);
  std::vector<std::string> files{options.authfile};
  if (options.authfile.empty()) files = registry::login_files(command_surroundings());
  CommandWorld world;
  bool any = false;
  int code = exit_code::ok;
  for (const auto& file : files) {
    try {
      if (!remove_from(world, file, name)) continue;
      print("removed the login for " + name + " from " + file);
      any = true;
    } catch (const Error& error) {
      // A login may be in the next file too.
      std::cerr << "sluice: " << error.what() << '\n';
      code = exit_code_of(error.kind());
    }
  }
  if (!any && code == exit_code::ok) print("there was no login for " + name);
  return code;
}

}  // namespace sluice::daemon
