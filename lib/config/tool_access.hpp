#pragma once
// What podman, buildah and their like need to reach registries: credentials, certificates and which hosts
// lack TLS, in files of a private directory. Nothing secret is ever an argument or an environment value of a
// program.

#include "config/config.hpp"
#include "core/error.hpp"
#include "core/launcher.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::config {

/// A directory (0700) that lives as long as the object. One that a killed daemon left behind is removed by
/// the next one.
class ToolAccess {
 public:
  /// `hosts` are the registries that the tool may log in to. Throws Error(unavailable) when the files cannot
  /// be written.
  ToolAccess(const Config& config, const std::set<std::string>& hosts);
  ~ToolAccess();
  ToolAccess(const ToolAccess&) = delete;
  ToolAccess& operator=(const ToolAccess&) = delete;

  /// For files that shall go away with the object.
  const std::filesystem::path& directory() const { return directory_; }
  /// The tool's own environment, before it REGISTRY_AUTH_FILE and CONTAINERS_REGISTRIES_CONF where needed
  /// (containers-auth.json(5), containers-registries.conf(5)); a variable that the operator set is left as it
  /// is.
  std::vector<std::pair<std::string, std::string>> environment(const Tool& tool) const;
  /// Flags of pull, push and build: {"--cert-dir", DIRECTORY} when a registry has certificates of its own,
  /// else empty.
  const std::vector<std::string>& certificate_flags() const { return certificate_flags_; }

 private:
  void make_directory();
  void remove_directory() noexcept;
  void write_credentials(const Config& config, const std::set<std::string>& hosts);
  void write_plain_http(const Config& config, const std::set<std::string>& hosts);
  void link_certificates(const Config& config, const std::set<std::string>& hosts);

  std::filesystem::path directory_;
  int lock_ = -1;
  std::vector<std::pair<std::string, std::string>> environment_;
  std::vector<std::string> certificate_flags_;
};

/// Every registry that the configuration lists.
std::set<std::string> configured_hosts(const Config& config);

/// What the last words of podman, buildah or skopeo about a registry mean; `unavailable` when they say
/// nothing known.
ErrorKind kind_of_registry_failure(std::string_view output);

}  // namespace sluice::config
