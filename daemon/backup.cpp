// `sluice backup FILE`: a consistent copy of the database, made by the daemon while it works.

#include "api_client.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "terminal.hpp"

#include <filesystem>

#include <nlohmann/json.hpp>

namespace sluice::daemon {

int backup(const BackupOptions& options) {
  ApiClient client(find_daemon(options.where));
  // The daemon has a directory of its own.
  const auto path = std::filesystem::absolute(options.file).string();
  const auto answer = client.post(api_path({"backup"}), {{"path", path}});
  print(options.json ? answer.dump(2) : "the database was copied to " + path);
  return exit_code::ok;
}

}  // namespace sluice::daemon
