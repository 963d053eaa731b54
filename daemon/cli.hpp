#pragma once
// The command line: which commands there are and what each takes. Only the files behind it (cli*.cpp)
// include CLI11.

#include <functional>

namespace sluice::daemon {

/// Reads the arguments and gives the command to run. When there is nothing to run (help, version, wrong
/// arguments), what there is to say has been printed and `ended` holds the exit code.
struct Chosen {
  std::function<int()> command;
  int ended = 0;
};
Chosen read_command_line(int argc, char** argv);

}  // namespace sluice::daemon
