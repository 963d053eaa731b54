#include "registry/certificates.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <string_view>

#include <spdlog/spdlog.h>

namespace sluice::registry {
namespace {

net::TlsOptions certificates_in(const std::string& folder, std::vector<std::string> names) {
  net::TlsOptions tls;
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (name.ends_with(".crt")) tls.ca.emplace_back(folder + name);
    if (!name.ends_with(".cert") || tls.certificate) continue;
    const auto key = name.substr(0, name.size() - std::string_view("cert").size()) + "key";
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      spdlog::warn("{} is not used: {} is not beside it", printable(folder + name, 300), printable(key, 100));
      continue;
    }
    tls.certificate = folder + name;
    tls.key = folder + key;
  }
  return tls;
}

/// A name that stays within the folder that it is put behind.
bool is_folder_name(const std::string& registry) {
  return !registry.empty() && !registry.starts_with('.') && registry.find('/') == std::string::npos;
}

}  // namespace

std::vector<std::string> certificate_folders(const Surroundings& surroundings) {
  std::vector<std::string> folders;
  const auto home = surroundings.variable("HOME");
  if (!home.empty()) folders.push_back(home + "/.config/containers/certs.d/");
  folders.emplace_back("/etc/containers/certs.d/");
  folders.emplace_back("/etc/docker/certs.d/");
  return folders;
}

const net::TlsOptions& RegistryCertificates::find(const std::string& registry) {
  const auto [found, is_new] = found_.try_emplace(registry);
  if (!is_new || !surroundings_.names || !is_folder_name(registry)) return found->second;
  for (const auto& parent : certificate_folders(surroundings_)) {
    const auto folder = parent + registry + "/";
    auto names = surroundings_.names(folder);
    if (names.empty()) continue;
    found->second = certificates_in(folder, std::move(names));
    break;
  }
  return found->second;
}

}  // namespace sluice::registry
