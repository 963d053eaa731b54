#pragma once
// What of the machine the search for credentials and certificates may see. Handed in, so that the room reads
// no environment and no file by itself.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::registry {

struct Surroundings {
  /// Neither: there is no such file.
  struct File {
    std::optional<std::string> content;
    std::string trouble;  // why it cannot be read
  };
  /// Reads a file of at most 1 MiB. Blocks; called on worker threads. May be empty: then there are no files.
  std::function<File(const std::string& path)> file;
  /// The names in a folder, none when it is not there or cannot be read. May be empty: then there are no
  /// folders.
  std::function<std::vector<std::string>(const std::string& folder)> names;
  /// A variable of the environment; may be empty: then there is none.
  std::function<std::optional<std::string>(const std::string& name)> environment;
  /// Variables that credential helpers get beside the launcher's own.
  std::vector<std::pair<std::string, std::string>> helper_environment;

  /// The variable's value, empty when it is not set.
  std::string variable(const std::string& name) const {
    return environment ? environment(name).value_or("") : std::string();
  }
};

}  // namespace sluice::registry
