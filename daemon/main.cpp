// sluice: the daemon and the commands that talk to it.

#include "api_client.hpp"
#include "cli.hpp"
#include "core/error.hpp"
#include "exit_code.hpp"
#include "terminal.hpp"

#include <csignal>
#include <iostream>

int main(int argc, char** argv) {
  using namespace sluice;
  using namespace sluice::daemon;
  const auto chosen = read_command_line(argc, argv);
  // A file that may not grow (ulimit -f) is an error that is told, like a full disk, and not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  int code = exit_code::failed;
  try {
    code = chosen.command ? chosen.command() : chosen.ended;
    // A full disk behind stdout must not look like success.
    if (code == exit_code::ok) flush_output();
  } catch (const Failure& failure) {
    std::cerr << "sluice: " << failure.what() << '\n';
    code = failure.code();
  } catch (const Interrupted&) {
    code = exit_code::ok;
  } catch (...) {
    std::cerr << "sluice: " << current_error().what() << '\n';
  }
  return code;
}
