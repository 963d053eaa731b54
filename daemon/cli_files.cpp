// The command line of what writes configurations: watch, import-config.

#include "cli_command.hpp"
#include "commands.hpp"
#include "config/import/import.hpp"

namespace sluice::daemon {
namespace {

void add_import(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = nullptr;
  auto of_import = command(app, chosen, "import-config", "make a configuration of that of another tool",
                           import_config, sub);
  sub->add_option("--from", of_import->from,
                  "whose files these are: " + CLI::detail::join(config::import_sources(), ", "))
      ->required()
      ->check(CLI::IsMember(config::import_sources()))
      ->type_name("TOOL")
      ->option_text("TOOL");
  sub->add_option("files", of_import->files, "its files, those that belong together; - is standard input")
      ->required()
      ->type_name("FILE");
  sub->add_option("--out", of_import->out,
                  "file to write, which must not be there yet (default: standard output)")
      ->type_name("FILE");
  sub->add_option("--staging", of_import->staging,
                  "where images are staged: REGISTRY/PATH before their names")
      ->type_name("PREFIX");
  sub->add_option("--to", of_import->to,
                  "where those go that the tool has no target for: REGISTRY/PATH before their names")
      ->type_name("PREFIX");
  sub->add_flag("--json", of_import->json, "print it as JSON");
}

void add_watch(CLI::App& app, Chosen& chosen) {
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

}  // namespace

void add_file_commands(CLI::App& app, Chosen& chosen) {
  add_watch(app, chosen);
  add_import(app, chosen);
}

}  // namespace sluice::daemon
