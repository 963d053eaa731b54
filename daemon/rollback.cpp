// `sluice rollback PIPELINE [--to RUN|DIGEST]`: promotes an earlier digest again, holds, and has the
// dependents rebuilt.

#include "api_client.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "fields.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {

int rollback(const RollbackOptions& options) {
  ApiClient client(find_daemon(options.where));
  auto body = nlohmann::json::object();
  if (!options.to.empty()) body["to"] = options.to;
  const auto answer = client.post(api_path({"pipelines", options.pipeline, "rollback"}), body);
  if (options.json) {
    print(answer.dump(2));
    return exit_code::ok;
  }
  const auto goal = text_of(answer, "digest");
  if (answer.value("changed", false)) {
    print(options.pipeline + " goes back to " + goal + " (run " + text_of(answer, "run") + ") and is held.");
    print("`sluice resume " + options.pipeline + "` lets upstream flow again.");
  } else {
    print(options.pipeline + " is at " + goal + " already and held, nothing changed");
  }
  return exit_code::ok;
}

}  // namespace sluice::daemon
