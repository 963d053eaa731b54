#pragma once
// Changing files that other programs read while we do it.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace sluice::daemon {

struct FileRules {
  std::string what;  // for messages: "the login file"
  std::size_t most_bytes = 0;
  unsigned mode = 0644;         // of a file that was not there, less the process's umask
  unsigned kept_mode = 07777;   // what stays of the mode of one that is there; its owner and group stay too
  bool make_directory = false;  // for the owner only
};

/// The content as change_file() would find it: nullopt when there is no file. Throws Error(invalid) for one
/// that cannot be read, is too large or is no regular file.
std::optional<std::string> read_for_change(const std::string& path, const FileRules& rules);

/// Gives `change` the content (nullopt when there is no file) and puts what it returns in its place in one
/// step: whoever reads meanwhile gets the old or the new content, never a part, and nothing is left lying
/// around when it fails. Nullopt changes nothing. A symbolic link stays one; what it names is changed, or
/// made. Two of us wait for each other (the directory is locked); a change that somebody else makes meanwhile
/// is noticed and not overwritten. Throws Error(invalid) with the reason, and what `change` throws.
void change_file(
    const std::string& path, const FileRules& rules,
    const std::function<std::optional<std::string>(const std::optional<std::string>& text)>& change);

}  // namespace sluice::daemon
