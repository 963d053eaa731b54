#include "registry/docker_config.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/http.hpp"
#include "registry/credential_helper.hpp"
#include "registry/json.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

// Keeps the order of the file for those who edit it by hand too.
using Json = nlohmann::ordered_json;

constexpr std::string_view hub = "docker.io";
constexpr std::string_view hub_in_files = "https://index.docker.io/v1/";

[[noreturn]] void refuse_login_file(const std::string& file, const std::string& why) {
  throw Error(ErrorKind::invalid, "the login file " + printable(file, 300) + " cannot be used: " + why);
}

Json parse(std::string_view text, const std::string& file) {
  if (text.size() > max_docker_config) refuse_login_file(file, "it is larger than 1 MiB");
  try {
    auto json = Json::parse(text);
    if (json.is_object()) return json;
  } catch (const nlohmann::json::parse_error& error) {
    // The library's own message quotes what it read.
    refuse_login_file(file, "it is not JSON, see byte " + std::to_string(error.byte));
  } catch (const nlohmann::json::out_of_range&) {
    refuse_login_file(file, "it holds a number that is too large");
  }
  refuse_login_file(file, "it is not a JSON object");
}

// A member of the top level that must be an object when it is there.
const Json& object_at(const Json& json, const char* key, const std::string& file) {
  static const Json empty = Json::object();
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return empty;
  if (!found->is_object()) refuse_login_file(file, "\"" + std::string(key) + "\" is not an object");
  return *found;
}

std::optional<Credentials> credentials_in(const Json& entry, std::string& trouble) {
  if (!entry.is_object()) {
    trouble = "is not an object";
    return std::nullopt;
  }
  Credentials credentials;
  credentials.username = text_at(entry, "username");
  credentials.password = Secret(std::string(text_at(entry, "password")));
  credentials.identity_token = Secret(std::string(text_at(entry, "identitytoken")));
  credentials.registry_token = Secret(std::string(text_at(entry, "registrytoken")));
  if (const Secret auth(std::string(text_at(entry, "auth"))); !auth.empty()) {
    const auto pair = net::base64_decode(auth.reveal());
    const auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos) {
      trouble = "has an \"auth\" that is not user:password in base64";
      return std::nullopt;
    }
    credentials.username = pair->substr(0, colon);
    // Old versions of docker put zeros behind it.
    const auto end = pair->find_last_not_of('\0');
    credentials.password = Secret(pair->substr(colon + 1, end - colon));
  }
  const bool some =
      credentials.has_basic() || !credentials.identity_token.empty() || !credentials.registry_token.empty();
  if (!some) return std::nullopt;
  return credentials;
}

bool is_hub(std::string_view host) {
  return host == hub || host == "index.docker.io" || host == "registry-1.docker.io";
}

}  // namespace

std::string registry_key(std::string_view spelled) {
  const auto scheme = spelled.find("://");
  const bool address = scheme != std::string_view::npos;
  if (address) spelled.remove_prefix(scheme + 3);
  while (spelled.ends_with('/'))
    spelled.remove_suffix(1);
  const auto slash = std::min(spelled.find('/'), spelled.size());
  std::string host = lower(spelled.substr(0, slash));
  const auto path = spelled.substr(slash);
  const bool api = address || path == "/v1" || path == "/v2";
  if (is_hub(host)) host = hub;
  return api ? host : host + std::string(path);
}

DockerConfig parse_docker_config(std::string_view text, const std::string& file) {
  DockerConfig config;
  config.file = file;
  if (text.empty()) return config;
  const Json json = parse(text, file);
  for (const auto& [spelled, value] : object_at(json, "auths", file).items()) {
    DockerConfig::Entry entry{spelled, std::nullopt, {}};
    entry.credentials = credentials_in(value, entry.trouble);
    auto& kept = config.auths[registry_key(spelled)];
    const bool empty = !kept.credentials && kept.trouble.empty();
    if (empty || (entry.credentials && spelled == registry_key(spelled))) kept = std::move(entry);
  }
  for (const auto& [spelled, value] : object_at(json, "credHelpers", file).items())
    if (value.is_string()) config.helpers[registry_key(spelled)] = value.get<std::string>();
  config.store = text_at(json, "credsStore");
  return config;
}

std::optional<Credentials> find_auth(const DockerConfig& config, const std::string& registry,
                                     const std::string& path) {
  std::string key = registry_key(registry);
  const auto host_size = key.size();
  if (!path.empty()) key += "/" + path;
  while (true) {
    const auto found = config.auths.find(key);
    if (found != config.auths.end() && !found->second.trouble.empty())
      refuse_login_file(config.file, "its entry for " + printable(found->second.spelled, 200) + " " +
                                         found->second.trouble);
    if (found != config.auths.end() && found->second.credentials) return found->second.credentials;
    if (key.size() <= host_size) return std::nullopt;
    key.resize(std::max(key.rfind('/'), host_size));
  }
}

std::string find_helper(const DockerConfig& config, const std::string& registry) {
  const auto found = config.helpers.find(registry_key(registry));
  const std::string& name = found == config.helpers.end() ? config.store : found->second;
  if (!name.empty() && !is_helper_name(name))
    refuse_login_file(config.file, "\"" + printable(name, 80) + "\" is not the name of a credential helper");
  return name;
}

std::vector<std::string> helper_names_of(const std::string& registry) {
  const auto key = registry_key(registry);
  // docker stores the one, podman the other.
  if (key == hub) return {std::string(hub_in_files), std::string(hub)};
  return {key};
}

namespace {

bool drop_logins(Json& json, const std::string& file, const std::string& registry) {
  object_at(json, "auths", file);  // of the right shape, if it is there
  const auto auths = json.find("auths");
  if (auths == json.end() || !auths->is_object()) return false;
  std::vector<std::string> same;
  for (const auto& [spelled, value] : auths->items())
    if (registry_key(spelled) == registry_key(registry)) same.push_back(spelled);
  for (const auto& spelled : same)
    auths->erase(spelled);
  return !same.empty();
}

// As docker writes it.
std::string written(const Json& json) {
  return json.dump(1, '\t', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string with_login(std::string_view text, const std::string& file, const std::string& registry,
                       const std::optional<Credentials>& credentials) {
  Json json = text.empty() ? Json::object() : parse(text, file);
  drop_logins(json, file, registry);
  Json entry = Json::object();
  if (credentials) {
    const Secret basic = credentials->basic();
    entry["auth"] = std::string(basic.reveal().substr(std::string_view("Basic ").size()));
  }
  if (!json.contains("auths") || !json["auths"].is_object()) json["auths"] = Json::object();
  json["auths"][helper_names_of(registry).front()] = std::move(entry);
  return written(json);
}

std::optional<std::string> without_login(std::string_view text, const std::string& file,
                                         const std::string& registry) {
  if (text.empty()) return std::nullopt;
  Json json = parse(text, file);
  if (!drop_logins(json, file, registry)) return std::nullopt;
  return written(json);
}

}  // namespace sluice::registry
