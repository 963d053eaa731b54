#include "find_daemon.hpp"

#include "environment.hpp"
#include "exit_code.hpp"
#include "load_config.hpp"

namespace sluice::daemon {
namespace {

std::string from_environment(const char* name) {
  return environment(name).value_or("");
}

Address from_config(const std::string& file, const std::string& origin) {
  const auto loaded = load_config_without_secrets(file);
  if (!loaded.config)
    throw Failure(exit_code::usage, origin + " does not tell where the daemon is, the file has errors:\n" +
                                        loaded.diagnostics.text() +
                                        "\nUse --socket PATH or --url URL instead.");
  if (!loaded.config->api_socket.empty())
    return {.socket = loaded.config->api_socket.string(), .url = {}, .origin = origin};
  if (!loaded.config->api_listen.empty())
    return {.socket = {}, .url = "http://" + loaded.config->api_listen, .origin = origin};
  throw Failure(exit_code::usage,
                origin + ": the file switches off both the socket and the listener of the API");
}

}  // namespace

Address find_daemon(const Where& where) {
  if (!where.socket.empty()) return {.socket = where.socket, .url = {}, .origin = "--socket"};
  if (!where.url.empty()) return {.socket = {}, .url = where.url, .origin = "--url"};
  if (!where.config.empty()) return from_config(where.config, "--config");
  if (auto socket = from_environment("SLUICE_SOCKET"); !socket.empty())
    return {.socket = socket, .url = {}, .origin = "$SLUICE_SOCKET"};
  if (auto url = from_environment("SLUICE_URL"); !url.empty())
    return {.socket = {}, .url = url, .origin = "$SLUICE_URL"};
  if (auto file = from_environment("SLUICE_CONFIG"); !file.empty())
    return from_config(file, "$SLUICE_CONFIG");
  return {.socket = default_socket, .url = {}, .origin = "the default"};
}

}  // namespace sluice::daemon
