// `sluice cancel RUN`: ends a run that has not begun to promote.

#include "api_client.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {

int cancel(const CancelOptions& options) {
  ApiClient client(find_daemon(options.where));
  const auto answer = client.post(api_path({"runs", options.run, "cancel"}), nlohmann::json::object());
  print(options.json ? answer.dump(2) : "run " + options.run + " is cancelled");
  return exit_code::ok;
}

}  // namespace sluice::daemon
