// How a registry lets us in: a name and a password, the machine's identity in its cloud, or logins of other
// tools.

#include "config/read.hpp"
#include "core/text.hpp"

#include <array>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

namespace sluice::config {
namespace {

// The tokens of Azure and Google are good for more than registries: they go nowhere else. (What Amazon gives
// is asked for by the registry's name, so that name must be one of theirs.)
bool is_host_of(CloudIdentity::Kind kind, const std::string& host) {
  const auto ends_with = [&](std::string_view ending) { return host.ends_with(ending); };
  switch (kind) {
    case CloudIdentity::Kind::azure:
      return ends_with(".azurecr.io") || ends_with(".azurecr.cn") || ends_with(".azurecr.us");
    case CloudIdentity::Kind::aws:
      return host.find(".dkr") != std::string::npos && host.find("ecr") != std::string::npos &&
             (ends_with(".amazonaws.com") || ends_with(".amazonaws.com.cn") || ends_with(".on.aws"));
    case CloudIdentity::Kind::google:
      return host == "gcr.io" || ends_with(".gcr.io") || ends_with(".pkg.dev");
    case CloudIdentity::Kind::none:
      break;
  }
  return false;
}

void read_identity(Section& auth, Registry& registry) {
  using Kind = CloudIdentity::Kind;
  const std::array<std::tuple<const char*, Kind, const char*>, 3> clouds{
      {{"azure", Kind::azure, "NAME.azurecr.io"},
       {"aws", Kind::aws, "ACCOUNT.dkr.ecr.REGION.amazonaws.com"},
       {"google", Kind::google, "REGION-docker.pkg.dev"}}};
  int chosen = auth.has("username") || auth.has("password") ? 1 : 0;
  for (const auto& [key, kind, host] : clouds) {
    if (!auth.has(key)) continue;
    ++chosen;
    auto section = auth.section(key);
    registry.identity.kind = kind;
    if (kind == Kind::azure) {
      registry.identity.client_id = section.text("client_id");
      registry.identity.tenant = section.text("tenant");
    }
    if (kind == Kind::google) registry.identity.account = section.text("account");
    section.done();
    if (!is_host_of(kind, registry.host))
      auth.error(auth.position(key),
                 fmt::format("'{}' gives no credentials for {}", key, printable(registry.host, 80)),
                 fmt::format("it is for registries such as {}", host));
  }
  if (chosen > 1)
    auth.error(auth.position(), "'auth' must be given in one way",
               "username and password, or one of azure, aws and google");
}

}  // namespace

void read_auth(Section auth, Registry& registry) {
  read_identity(auth, registry);
  if (registry.identity.kind == CloudIdentity::Kind::none) {
    registry.username = auth.required_text("username");
    registry.password = auth.secret("password", true);
  }
  auth.done();
}

void read_docker_config(Section& root, Config& config) {
  config.docker_config = root.text("docker_config", config.docker_config);
  const auto& where = config.docker_config;
  if (where == "none" || where == "auto" || where.starts_with('/')) return;
  root.error(root.position("docker_config"),
             "'docker_config' must be none, auto, or the path of a file, not '" + printable(where, 80) + "'",
             "auto looks where docker and podman keep their logins");
}

}  // namespace sluice::config
