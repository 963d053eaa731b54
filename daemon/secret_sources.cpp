#include "secret_sources.hpp"

#include "core/error.hpp"
#include "core/launcher.hpp"
#include "core/text.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace sluice::daemon {
namespace {

constexpr std::size_t largest_secret = 64 * 1024;
constexpr Milliseconds command_timeout{10'000};

std::optional<std::string> read_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return value;
}

std::optional<std::string> read_file(const std::string& path, std::string& why) {
  std::error_code error;
  // A device or a pipe could be read without end.
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    why = "there is no such file";
    return std::nullopt;
  }
  if (!std::filesystem::is_regular_file(status)) {
    why = error ? error.message() : "it is not a regular file";
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    why = std::strerror(errno);
    return std::nullopt;
  }
  std::string content(largest_secret + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() <= largest_secret && !file.bad()) return content;
  why = file.bad() ? "it cannot be read" : "it is larger than 64 KiB";
  return std::nullopt;
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
  sources.environment = read_environment;
  sources.file = read_file;
  sources.command = read_command;
  sources.credentials_directory = read_environment("CREDENTIALS_DIRECTORY").value_or("");
  return sources;
}

config::SecretSources placeholder_secret_sources() {
  const auto anything = [](const auto&, std::string&) -> std::optional<std::string> { return "-"; };
  config::SecretSources sources;
  sources.environment = [](const std::string&) -> std::optional<std::string> { return "-"; };
  sources.file = anything;
  sources.command = anything;
  sources.credentials_directory = "/";
  return sources;
}

}  // namespace sluice::daemon
