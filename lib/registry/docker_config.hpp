#pragma once
// The file in which docker, podman and their like keep registry logins: config.json (docker CLI
// documentation, "docker login") and auth.json (containers-auth.json(5)). Pure.

#include "registry/credentials.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

inline constexpr std::size_t max_docker_config = 1024 * 1024;

struct DockerConfig {
  struct Entry {
    std::string spelled;  // the key as it stands in the file
    std::optional<Credentials> credentials;
    std::string trouble;  // why the entry cannot be used, empty when it can
  };
  std::string file;                            // for messages
  std::map<std::string, Entry> auths;          // by registry_key()
  std::map<std::string, std::string> helpers;  // credHelpers, by registry_key()
  std::string store;                           // credsStore
};

/// Throws Error(invalid) that names the file and never quotes it: larger than max_docker_config, no JSON, or
/// not of the shape. An entry under "auths" that cannot be used is no error until it is wanted.
DockerConfig parse_docker_config(std::string_view text, const std::string& file);

/// One spelling for all that mean the same: "https://index.docker.io/v1/", "index.docker.io" and
/// "registry-1.docker.io" are "docker.io"; a scheme, and the path of an API address, go; the path of a
/// namespace ("quay.io/team") stays.
std::string registry_key(std::string_view spelled);

/// The entry for a repository: the longest of registry/path, registry/pa, registry that is there and holds
/// credentials. Throws Error(invalid) when it cannot be used.
std::optional<Credentials> find_auth(const DockerConfig& config, const std::string& registry,
                                     const std::string& path);

/// The program that keeps this registry's credentials, empty when none does: credHelpers before credsStore.
/// Throws Error(invalid) when its name is not one (is_helper_name()).
std::string find_helper(const DockerConfig& config, const std::string& registry);

/// How helpers know the registry, the likeliest name first. Docker Hub is "https://index.docker.io/v1/".
std::vector<std::string> helper_names_of(const std::string& registry);

/// The file's text with a login more; an empty text is a new file. Everything else in it stays, in its order;
/// other spellings of the same registry go. Without `credentials` the entry says that a helper has them.
/// Throws as parse_docker_config().
std::string with_login(std::string_view text, const std::string& file, const std::string& registry,
                       const std::optional<Credentials>& credentials);
/// The file's text without the registry's logins, nullopt when there is none in it.
std::optional<std::string> without_login(std::string_view text, const std::string& file,
                                         const std::string& registry);

}  // namespace sluice::registry
