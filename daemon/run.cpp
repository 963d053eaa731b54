// `sluice run PIPELINE`: a run by hand.

#include "commands.hpp"
#include "exit_code.hpp"
#include "fields.hpp"
#include "log_reader.hpp"
#include "terminal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::daemon {

int run(const RunOptions& options) {
  using nlohmann::json;
  ApiClient client(find_daemon(options.where));
  const auto started = client.post(api_path({"pipelines", options.pipeline, "run"}), json::object());
  const auto id = text_of(started, "run");
  if (options.json && !options.wait) print(started.dump(2));
  if (!options.json) print("run " + id + " of " + options.pipeline + " started");
  if (!options.wait) return exit_code::ok;
  print_log(client, id, /*follow=*/true, options.json);
  const auto run = client.get(api_path({"runs", id}));
  const auto status = text_of(run, "status");
  if (options.json) {
    print(run.dump(-1, ' ', false, json::error_handler_t::replace));
  } else {
    const auto outcome = text_of(run, "outcome", 2000);
    print("run " + id + ": " + paint(status, status_colour(status), wants_colours()) +
          (outcome.empty() ? "" : ", " + outcome));
  }
  return status == "Succeeded" ? exit_code::ok : exit_code::failed;
}

}  // namespace sluice::daemon
