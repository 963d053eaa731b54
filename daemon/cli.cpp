#include "cli.hpp"

#include "cli_command.hpp"
#include "commands.hpp"
#include "core/text.hpp"
#include "exit_code.hpp"
#include "pipeline/run.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace sluice::daemon {
namespace {

constexpr const char* footer = R"(Exit codes:
  0  all is well
  1  the thing asked about failed (a run that was waited for did not succeed)
  2  wrong arguments or wrong configuration
  3  no daemon answers, or no registry
  4  the daemon knows no such run, pipeline or promotion; a registry no such image
  5  the daemon refuses: the state does not allow it; or the registry does;
     or the proof of a webhook that is tried is wrong
  130  interrupted (SIGINT, SIGTERM)

The daemon is looked for at --socket or --url, else at $SLUICE_SOCKET or
$SLUICE_URL, else where the file of --config or $SLUICE_CONFIG says, else at
/run/sluice/sluice.sock.)";

void add_where(CLI::App& command, Ask& ask) {
  auto* socket =
      command.add_option("--socket", ask.where.socket, "Unix socket of the daemon")->type_name("PATH");
  auto* url = command.add_option("--url", ask.where.url, "URL of the daemon, such as http://127.0.0.1:8480");
  url->type_name("URL")->excludes(socket);
  command.add_option("--config", ask.where.config, "the daemon's configuration, which says where it listens")
      ->type_name("FILE")
      ->excludes(socket)
      ->excludes(url);
  command.add_flag("--json", ask.json, "print what the API answers");
}

// Accepts a status in any case and puts it into its proper one.
std::string proper_status(std::string& text) {
  std::vector<std::string> all;
  for (int i = 0; i <= static_cast<int>(pipeline::Status::cancelled); ++i)
    all.emplace_back(to_string(static_cast<pipeline::Status>(i)));
  if (const auto status = pipeline::status_from(text)) {
    text = to_string(*status);
    return {};
  }
  const auto near = nearest(text, all);
  return "no status is called '" + printable(text, 40) + "'" +
         (near.empty() ? ", there are " + CLI::detail::join(all, ", ") : ", did you mean " + near + "?");
}

CLI::Option* add_limit(CLI::App& command, int& limit) {
  return command.add_option("--limit", limit, "at most this many")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->capture_default_str();
}

void add_readers(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = nullptr;
  auto of_runs = command(app, chosen, "runs", "list runs, newest first", runs, sub);
  add_where(*sub, *of_runs);
  sub->add_option("--status", of_runs->status, "only runs with this status, such as Running")
      ->transform(CLI::Validator(proper_status, "STATUS"))
      ->option_text("STATUS");
  sub->add_option("--task", of_runs->task, "only runs of this pipeline or dependent")->type_name("NAME");
  add_limit(*sub, of_runs->limit);
  sub->add_flag("-w,--watch", of_runs->watch, "keep the list live until Ctrl-C");

  auto of_show =
      command(app, chosen, "show", "show one run: steps, digest, origin, what it triggered", show, sub);
  add_where(*sub, *of_show);
  sub->add_option("run", of_show->run, "run id, such as ca1a")->required()->type_name("RUN");

  auto of_logs = command(app, chosen, "logs", "print the log of a run", logs, sub);
  add_where(*sub, *of_logs);
  sub->add_option("run", of_logs->run, "run id")->required()->type_name("RUN");
  sub->add_flag("-f,--follow", of_logs->follow, "go on until the run has ended");

  auto of_history =
      command(app, chosen, "history", "every digest of an upstream tag and what became of it", history, sub);
  add_where(*sub, *of_history);
  sub->add_option("pipeline", of_history->pipeline, "name of the pipeline, SET:TAG for one tag of a set")
      ->required()
      ->type_name("PIPELINE");
  sub->add_option("--at", of_history->at, "what the tag named at this time (RFC 3339 or a date)")
      ->type_name("TIME");
  add_limit(*sub, of_history->limit);
  sub->add_flag("--full", of_history->full, "print whole digests on a terminal too");

  auto of_status = command(app, chosen, "status", "the daemon and its pipelines at a glance", status, sub);
  add_where(*sub, *of_status);
  sub->add_flag("--members", of_status->members, "with the tags of each set; --json has them always");
}

void add_changers(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = nullptr;
  auto of_run = command(app, chosen, "run", "look at an upstream now and start a run", run, sub);
  add_where(*sub, *of_run);
  sub->add_option("pipeline", of_run->pipeline, "name of the pipeline, SET:TAG for one tag of a set")
      ->required()
      ->type_name("PIPELINE");
  sub->add_flag("--wait", of_run->wait, "follow the run to its end; exit 0 only if it succeeded");

  auto of_hold =
      command(app, chosen, "hold", "pin the target: stage and check new images, promote none", hold, sub);
  add_where(*sub, *of_hold);
  sub->add_option("pipeline", of_hold->pipeline, "name of the pipeline, SET:TAG for one tag of a set")
      ->required()
      ->type_name("PIPELINE");
  sub->add_option("--reason", of_hold->reason, "why, for whoever finds the hold later")
      ->required()
      ->type_name("TEXT");

  auto of_resume = command(app, chosen, "resume", "let upstream flow again", resume, sub);
  add_where(*sub, *of_resume);
  sub->add_option("pipeline", of_resume->pipeline, "name of the pipeline, SET:TAG for one tag of a set")
      ->required()
      ->type_name("PIPELINE");

  auto of_rollback =
      command(app, chosen, "rollback", "promote an earlier digest again, and hold", rollback, sub);
  add_where(*sub, *of_rollback);
  sub->add_option("pipeline", of_rollback->pipeline, "name of the pipeline, SET:TAG for one tag of a set")
      ->required()
      ->type_name("PIPELINE");
  sub->add_option("--to", of_rollback->to, "run or digest to go back to (default: the promotion before)")
      ->type_name("RUN|DIGEST");

  auto of_cancel = command(app, chosen, "cancel", "end a run that has not begun to promote", cancel, sub);
  add_where(*sub, *of_cancel);
  sub->add_option("run", of_cancel->run, "run id")->required()->type_name("RUN");

  auto of_backup = command(app, chosen, "backup", "copy the database while the daemon works", backup, sub);
  add_where(*sub, *of_backup);
  sub->add_option("file", of_backup->file, "where the copy goes; only an earlier backup is overwritten")
      ->required()
      ->type_name("FILE");
}

void add_daemon(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = nullptr;
  auto of_serve = command(app, chosen, "serve", "run the daemon", serve, sub);
  of_serve->config = "/etc/sluice/sluice.yaml";
  sub->add_option("--config", of_serve->config, "configuration file")
      ->type_name("FILE")
      ->envname("SLUICE_CONFIG")
      ->capture_default_str();

  auto of_check = command(app, chosen, "check-config", "check a configuration file and report all mistakes",
                          check_config, sub);
  sub->add_option("file", of_check->file, "configuration file")->required()->type_name("FILE");
  sub->add_flag("--json", of_check->json, "print the mistakes as JSON");
}

void add_config(CLI::App& command, std::string& config) {
  config = "/etc/sluice/sluice.yaml";
  command.add_option("--config", config, "configuration file")
      ->type_name("FILE")
      ->envname("SLUICE_CONFIG")
      ->capture_default_str();
}

void add_webhooks(CLI::App& app, Chosen& chosen) {
  auto* webhooks = app.add_subcommand("webhooks", "set up and try senders of webhooks");
  webhooks->require_subcommand(1);
  CLI::App* sub = nullptr;
  auto of_url =
      command(*webhooks, chosen, "url", "where a sender sends to, and how to set it up", webhook_url, sub);
  sub->add_option("name", of_url->name, "name of the webhook")->required()->type_name("NAME");
  add_config(*sub, of_url->config);
  sub->add_flag("--reveal", of_url->reveal, "print the secret that is part of the address");

  auto of_test =
      command(*webhooks, chosen, "test", "show what a payload would do; needs no daemon", webhook_test, sub);
  sub->add_option("name", of_test->name, "name of the webhook")->required()->type_name("NAME");
  sub->add_option("--payload", of_test->payload, "file with the body, - for standard input")
      ->required()
      ->type_name("FILE");
  sub->add_option("--headers", of_test->headers,
                  "file with the headers, one 'Name: value' a line; checks the proof too")
      ->type_name("FILE");
  add_config(*sub, of_test->config);
  sub->add_flag("--json", of_test->json, "print it as JSON");
}

}  // namespace

Chosen read_command_line(int argc, char** argv) {
  Chosen chosen;
  CLI::App app("sluice: a gate between other people's container images and yours", "sluice");
  app.set_version_flag("-V,--version", std::string("sluice ") + SLUICE_VERSION);
  app.set_help_flag("-h,--help", "print this help, or that of a command");
  app.require_subcommand(1);
  app.footer(footer);
  add_readers(app, chosen);
  add_changers(app, chosen);
  add_registry_commands(app, chosen);
  add_daemon(app, chosen);
  add_file_commands(app, chosen);
  add_webhooks(app, chosen);
  app.add_subcommand("version", "print the version")->callback([] {
    throw CLI::CallForVersion(std::string("sluice ") + SLUICE_VERSION, 0);
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    chosen.command = nullptr;
    chosen.ended = app.exit(error) == 0 ? exit_code::ok : exit_code::usage;
  }
  return chosen;
}

}  // namespace sluice::daemon
