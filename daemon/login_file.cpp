#include "login_file.hpp"

#include "change_file.hpp"
#include "exit_code.hpp"
#include "registry/docker_config.hpp"

namespace sluice::daemon {
namespace {

const FileRules login_file_rules{.what = "the login file",
                                 .most_bytes = registry::max_docker_config,
                                 .mode = 0600,
                                 .kept_mode = 0660,
                                 .make_directory = true};

}  // namespace

std::string login_file_for(const std::string& named, const registry::Surroundings& surroundings) {
  if (!named.empty()) return named;
  if (const auto docker = surroundings.variable("DOCKER_CONFIG"); !docker.empty())
    return docker + "/config.json";
  if (const auto file = surroundings.variable("REGISTRY_AUTH_FILE"); !file.empty()) return file;
  if (const auto home = surroundings.variable("HOME"); !home.empty()) return home + "/.docker/config.json";
  throw Failure(exit_code::usage,
                "there is no place for a login: $HOME is not set; name a file with --authfile");
}

std::string read_login_file(const std::string& path) {
  return read_for_change(path, login_file_rules).value_or("");
}

void change_login_file(const std::string& path,
                       const std::function<std::optional<std::string>(const std::string& text)>& change) {
  change_file(path, login_file_rules,
              [&](const std::optional<std::string>& text) { return change(text.value_or("")); });
}

}  // namespace sluice::daemon
