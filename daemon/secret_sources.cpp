#include "secret_sources.hpp"

#include "core/error.hpp"
#include "core/launcher.hpp"
#include "core/text.hpp"
#include "environment.hpp"
#include "read_file.hpp"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace sluice::daemon {
namespace {

constexpr std::size_t largest_secret = 64 * 1024;
constexpr Milliseconds command_timeout{10'000};

std::optional<std::string> read_secret_file(const std::string& path, std::string& why) {
  auto content = read_file(path, largest_secret, why);
  if (!content && why.empty()) why = "there is no such file";
  return content;
}

// Where the C library looks, tzset(3). The name was checked by whoever asks.
std::optional<std::string> read_time_zone(const std::string& name, std::string& why) {
  const auto folder = environment("TZDIR").value_or("/usr/share/zoneinfo");
  auto content = read_file(folder + "/" + name, largest_secret, why);
  if (!content && why.empty()) why = "there is no such file in " + folder;
  return content;
}

// Runs one command on an event loop of its own: the configuration is read before, or beside, the daemon's
// loop.
ProcessResult run_to_end(Command command) {
  boost::asio::io_context loop(1);
  SystemClock clock;
  SystemLauncher launcher(clock);
  ProcessResult result;
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, launcher.run(std::move(command)),
                        [&](std::exception_ptr error, ProcessResult ended) {
                          failure = error;
                          result = std::move(ended);
                        });
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return result;
}

std::optional<std::string> read_command(const std::vector<std::string>& argv, std::string& why) {
  try {
    Command command;
    command.argv = argv;
    command.timeout = command_timeout;
    command.output_limit = largest_secret;
    command.separate_output = true;
    auto result = run_to_end(std::move(command));
    if (result.ok() && !result.truncated) return std::move(result.standard_output);
    if (result.timed_out)
      why = "it did not end within 10 seconds";
    else if (result.truncated)
      why = "its output is larger than 64 KiB";
    else if (result.signal != 0)
      why = "it was ended by signal " + std::to_string(result.signal);
    else
      why = "it exited with code " + std::to_string(result.exit_code);
  } catch (...) {
    why = printable(current_error().what());
  }
  return std::nullopt;
}

}  // namespace

config::SecretSources system_secret_sources() {
  config::SecretSources sources;
  sources.environment = environment;
  sources.file = read_secret_file;
  sources.command = read_command;
  sources.time_zone = read_time_zone;
  sources.credentials_directory = environment("CREDENTIALS_DIRECTORY").value_or("");
  return sources;
}

config::SecretSources placeholder_secret_sources() {
  auto sources = config::placeholder_secrets();
  sources.time_zone = read_time_zone;
  return sources;
}

}  // namespace sluice::daemon
