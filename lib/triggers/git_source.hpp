#pragma once
// Source code at a git address: "https://host/repository.git#branch:folder".

#include "core/clock.hpp"
#include "core/launcher.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::triggers {

struct GitSource {
  std::string url;     // https, http, ssh or file; or user@host:path
  std::string ref;     // branch, tag or commit; "HEAD" when not given
  std::string folder;  // inside the repository, empty for its root

  /// Whether the text names a repository rather than a directory of this machine.
  static bool looks_like(std::string_view text);
  /// Throws Error(invalid): other schemes (git:// is not authenticated), a password in the address, a ref or
  /// folder that git would take for something else.
  static GitSource parse(std::string_view text);
  /// Whether a push to this ref ("refs/heads/main") changes what is built. `is_default`: it is the branch
  /// that the repository begins with.
  bool follows(std::string_view pushed, bool is_default) const;
  bool operator==(const GitSource&) const = default;
};

/// What all addresses of one repository have in common, so that they can be compared: "host/path" in lower
/// case, without user and ".git". Empty for a repository of this machine.
std::string git_place(std::string_view url);

struct Checkout {
  std::filesystem::path folder;  // what is to be built
  std::string commit;
};

/// Fetches the one commit into `directory`, which must not exist yet, with no history and no submodules.
/// Credentials are those of the operator's own git and ssh settings; nothing is asked for. Throws Error by
/// what git said, and Error(invalid) when the folder is a link out of the repository.
Task<Checkout> fetch(Launcher& launcher, GitSource source, std::filesystem::path directory,
                     std::vector<std::pair<std::string, std::string>> environment, Milliseconds timeout);

/// Whether a path is inside the directory (or is it), all links on the way followed.
bool leads_inside(const std::filesystem::path& directory, const std::filesystem::path& path);

/// Whether a relative path stays inside its directory by its text alone: no "..", not absolute, no leading
/// '-'.
bool is_inner_path(std::string_view path);

}  // namespace sluice::triggers
