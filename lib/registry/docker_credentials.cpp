#include "registry/docker_credentials.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/credential_helper.hpp"
#include "registry/endpoint.hpp"

namespace sluice::registry {
namespace {

constexpr Milliseconds files_kept{std::chrono::minutes(2)};
constexpr Milliseconds helpers_kept{std::chrono::minutes(5)};

std::string path_key(const std::string& registry, const std::string& path) {
  return registry + "/" + path;
}

std::string helper_key(const std::string& helper, const std::string& registry) {
  return helper + " " + registry;
}

}  // namespace

std::vector<std::string> login_files(const Surroundings& surroundings) {
  std::vector<std::string> files;
  const auto add = [&](const std::string& directory, const std::string& name) {
    if (!directory.empty()) files.push_back(directory + name);
  };
  const auto docker = surroundings.variable("DOCKER_CONFIG");
  if (docker.empty())
    add(surroundings.variable("HOME"), "/.docker/config.json");
  else
    add(docker, "/config.json");
  add(surroundings.variable("REGISTRY_AUTH_FILE"), "");
  add(surroundings.variable("XDG_RUNTIME_DIR"), "/containers/auth.json");
  return files;
}

DockerCredentials::DockerCredentials(Clock& clock, Workers& workers, Launcher& launcher,
                                     Surroundings surroundings, std::vector<std::string> files)
    : workers_(workers),
      launcher_(launcher),
      surroundings_(std::move(surroundings)),
      files_(std::move(files)),
      by_repository_(clock),
      by_helper_(clock) {}

Task<std::optional<Credentials>> DockerCredentials::find(Endpoint endpoint, std::string path) {
  const std::string registry = endpoint.registry;
  CredentialCache::Fetch fetch = [this, registry, path] { return look(registry, path); };
  std::string key = path_key(registry, path);
  co_return co_await by_repository_.get(std::move(key), std::move(fetch));
}

void DockerCredentials::refused(const Endpoint& endpoint, const std::string& path) {
  by_repository_.forget(path_key(endpoint.registry, path));
  for (const auto& helper : helpers_)
    by_helper_.forget(helper_key(helper, endpoint.registry));
}

Task<Found> DockerCredentials::look(std::string registry, std::string path) {
  for (const auto& file : files_) {
    const auto config = co_await read(file);
    if (!config) continue;
    std::optional<Credentials> credentials;
    if (const auto name = find_helper(*config, registry); !name.empty()) {
      CredentialCache::Fetch fetch = [this, name, registry] { return ask_helper(name, registry); };
      std::string key = helper_key(name, registry);
      helpers_.insert(name);
      credentials = co_await by_helper_.get(std::move(key), std::move(fetch));
    }
    if (!credentials) credentials = find_auth(*config, registry, path);
    if (credentials) co_return Found{std::move(credentials), files_kept, files_kept};
  }
  co_return Found{std::nullopt, files_kept, files_kept};
}

Task<Found> DockerCredentials::ask_helper(std::string name, std::string registry) {
  CredentialHelper helper(launcher_, name, surroundings_.helper_environment);
  auto servers = helper_names_of(registry);
  auto credentials = co_await helper.get(std::move(servers));
  co_return Found{std::move(credentials), helpers_kept, helpers_kept};
}

Task<std::optional<DockerConfig>> DockerCredentials::read(std::string file) {
  if (!surroundings_.file) co_return std::nullopt;
  auto read = [file, &surroundings = surroundings_]() -> std::optional<DockerConfig> {
    const auto content = surroundings.file(file);
    if (!content.trouble.empty())
      throw Error(ErrorKind::invalid, "the login file " + printable(file, 300) +
                                          " cannot be read: " + printable(content.trouble, 200));
    if (!content.content) return std::nullopt;
    return parse_docker_config(*content.content, file);
  };
  co_return co_await workers_.run(std::move(read));
}

}  // namespace sluice::registry
