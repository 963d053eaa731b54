#pragma once
// What the files of the command line share. With them the only one that includes CLI11.

#include "cli.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace sluice::daemon {

// The options of a command, kept alive until it runs.
template <class Options>
std::shared_ptr<Options> command(CLI::App& app, Chosen& chosen, const std::string& name,
                                 const std::string& help, int (*function)(const Options&), CLI::App*& made) {
  auto options = std::make_shared<Options>();
  made = app.add_subcommand(name, help);
  made->callback(
      [&chosen, options, function] { chosen.command = [options, function] { return function(*options); }; });
  return options;
}

/// The commands that talk to registries, without a daemon.
void add_registry_commands(CLI::App& app, Chosen& chosen);

/// The commands that write configurations.
void add_file_commands(CLI::App& app, Chosen& chosen);

}  // namespace sluice::daemon
