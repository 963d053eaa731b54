// `sluice hold PIPELINE --reason TEXT`: new images are staged and checked, not promoted.

#include "api_client.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "fields.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {

int hold(const HoldOptions& options) {
  ApiClient client(find_daemon(options.where));
  const auto answer =
      client.post(api_path({"pipelines", options.pipeline, "hold"}), {{"reason", options.reason}});
  if (options.json) {
    print(answer.dump(2));
    return exit_code::ok;
  }
  const auto& hold = part_of(answer, "hold");
  if (answer.value("changed", false))
    print(options.pipeline + " is held: " + text_of(hold, "reason", 1000));
  else
    print(options.pipeline + " was held already, by " + text_of(hold, "by", 80) + " since " +
          time_of(hold, "since") + ": " + text_of(hold, "reason", 1000));
  return exit_code::ok;
}

}  // namespace sluice::daemon
