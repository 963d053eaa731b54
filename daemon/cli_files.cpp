// The command line of what writes configurations: watch.

#include "cli_command.hpp"
#include "commands.hpp"

namespace sluice::daemon {

void add_file_commands(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = nullptr;
  auto of_watch =
      command(app, chosen, "watch", "write a pipeline for an image into the configuration", watch, sub);
  of_watch->config = "/etc/sluice/sluice.yaml";
  sub->add_option("image", of_watch->image, "image and tag to watch, such as node:9-alpine")
      ->required()
      ->type_name("IMAGE");
  sub->add_option("--config", of_watch->config, "configuration file; made when there is none")
      ->type_name("FILE")
      ->envname("SLUICE_CONFIG")
      ->capture_default_str();
  sub->add_option("--name", of_watch->name, "name of the pipeline (default: from the image, node-9-alpine)")
      ->type_name("NAME");
  sub->add_option("--staging", of_watch->staging, "where it is staged (default: as the other pipelines do)")
      ->type_name("REPOSITORY");
  sub->add_option("--to", of_watch->to, "where it is promoted to (default: as the other pipelines do)")
      ->type_name("REPOSITORY");
  sub->add_option("--every", of_watch->every, "how often it is looked at (default: the registry's pace)")
      ->type_name("DURATION");
  sub->add_flag("--dry-run", of_watch->dry_run, "only show what would be written");
  sub->add_flag("--json", of_watch->json, "print it as JSON");
}

}  // namespace sluice::daemon
