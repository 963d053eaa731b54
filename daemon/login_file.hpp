#pragma once
// Changing the files in which docker, podman and we keep registry logins.

#include "registry/surroundings.hpp"

#include <functional>
#include <optional>
#include <string>

namespace sluice::daemon {

/// Where a new login goes: the file that was named, else $DOCKER_CONFIG/config.json, else
/// $REGISTRY_AUTH_FILE, else ~/.docker/config.json. Throws Failure(usage) when there is no such place.
std::string login_file_for(const std::string& named, const registry::Surroundings& surroundings);

/// The text of the file, empty when there is none. Throws Error(invalid) that names it when it cannot be
/// read.
std::string read_login_file(const std::string& path);

/// Puts `change(text)` in the place of the file's text, at once or not at all; nullopt leaves it as it is. A
/// new file has mode 0600; one that was there keeps its owner and group and what these may do. Other changers
/// through this function wait meanwhile. A directory that is missing is made (0700); a symbolic link stays
/// one. Throws Error(invalid), or what `change` throws.
void change_login_file(const std::string& path,
                       const std::function<std::optional<std::string>(const std::string& text)>& change);

}  // namespace sluice::daemon
