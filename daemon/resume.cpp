// `sluice resume PIPELINE`: lets upstream flow again.

#include "api_client.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {

int resume(const ResumeOptions& options) {
  ApiClient client(find_daemon(options.where));
  const auto answer =
      client.post(api_path({"pipelines", options.pipeline, "resume"}), nlohmann::json::object());
  if (options.json)
    print(answer.dump(2));
  else
    print(options.pipeline +
          (answer.value("changed", false) ? " is no longer held" : " was not held, nothing changed"));
  return exit_code::ok;
}

}  // namespace sluice::daemon
