// `sluice backup FILE`: a consistent copy of the database, made by the daemon while it works.

#include "api_client.hpp"
#include "commands.hpp"
#include "core/text.hpp"
#include "core/utf8.hpp"
#include "exit_code.hpp"
#include "fields.hpp"
#include "terminal.hpp"

#include <filesystem>

#include <nlohmann/json.hpp>

namespace sluice::daemon {

int backup(const BackupOptions& options) {
  if (options.file.empty()) throw Failure(exit_code::usage, "the backup needs the name of a file");
  // The daemon has a directory of its own.
  const auto path = std::filesystem::absolute(options.file).string();
  // JSON cannot carry other names; the daemon would write elsewhere.
  if (!is_utf8(path))
    throw Failure(exit_code::usage, printable(path, 300) + " is not UTF-8: choose another name");
  ApiClient client(find_daemon(options.where));
  const auto answer = client.post(api_path({"backup"}), {{"path", path}});
  print(options.json ? answer.dump(2) : "the database was copied to " + text_of(answer, "path", 4096));
  return exit_code::ok;
}

}  // namespace sluice::daemon
