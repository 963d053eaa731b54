// `sluice serve`: the daemon.

#include "commands.hpp"
#include "core/error.hpp"
#include "exit_code.hpp"
#include "listeners.hpp"
#include "load_config.hpp"
#include "process.hpp"

#include <csignal>
#include <iostream>
#include <malloc.h>

#include <spdlog/spdlog.h>

namespace sluice::daemon {
namespace {

// Few threads allocate little: one arena each would cost more memory than it saves time. What a copy used
// goes back.
void tame_allocator() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

void check(const config::Config& config) {
  try {
    if (!config.api_listen.empty()) parse_listen(config.api_listen);
    apply_log_settings(config);
  } catch (const Error& error) {
    throw Failure(exit_code::usage, config.file.string() + ": " + error.what());
  }
}

}  // namespace

int serve(const ServeOptions& options) {
  tame_allocator();
  std::signal(SIGPIPE, SIG_IGN);
  const auto loaded = load_config(options.config);
  if (!loaded.config) {
    // The service manager tries again only after what may pass.
    const bool may_pass = loaded.diagnostics.may_pass();
    std::cerr << loaded.diagnostics.text() << "\nsluice: not started, "
              << (may_pass ? "what the configuration refers to cannot be read now\n"
                           : "the configuration has mistakes\n");
    return may_pass ? exit_code::failed : exit_code::usage;
  }
  check(*loaded.config);
  try {
    Process process(loaded.config);
    process.run();
  } catch (...) {
    spdlog::error("{}", current_error().what());
    return exit_code::failed;
  }
  return exit_code::ok;
}

}  // namespace sluice::daemon
