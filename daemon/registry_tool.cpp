#include "registry_tool.hpp"

#include "core/error.hpp"
#include "engine/access.hpp"
#include "exit_code.hpp"
#include "load_config.hpp"
#include "run_cancellable.hpp"
#include "shared_network.hpp"
#include "surroundings.hpp"

#include <csignal>
#include <exception>
#include <iostream>
#include <malloc.h>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/signal_set.hpp>

namespace sluice::daemon {

std::shared_ptr<const config::Config> load_reach(const std::optional<std::string>& file) {
  if (!file) {
    config::Config usual;
    usual.docker_config = "auto";
    return std::make_shared<config::Config>(std::move(usual));
  }
  auto loaded = load_config(*file);
  if (loaded.config) return std::move(loaded.config);
  throw Failure(exit_code::usage, loaded.diagnostics.text());
}

net::ClientOptions network_for(const config::Config& config) {
  try {
    return SharedNetwork(config).client_options();
  } catch (const Error& error) {
    throw Failure(exit_code::usage, error.what());
  }
}

std::string text_of(const Error& error) {
  std::string text = error.what();
  if (error.retry_after()) text += "; it may be tried again in " + format_duration(*error.retry_after());
  return text;
}

RegistryTool::RegistryTool(const std::optional<std::string>& config, Endurance endurance)
    : config_(load_reach(config)),
      world_(network_for(*config_)),
      network_(command_surroundings()),
      credentials_({.http = *world_.http,
                    .clock = world_.clock,
                    .workers = world_.workers,
                    .surroundings = command_surroundings()},
                   world_.launcher),
      client_(*world_.http, world_.clock, world_.random, world_.workers,
              [this, endurance](const std::string& host) {
                auto access = engine::access_of(*config_, host, credentials_, network_);
                access.patience = endurance.patience;
                access.attempts = endurance.attempts;
                return access;
              }) {
  std::signal(SIGPIPE, SIG_IGN);
  mallopt(M_ARENA_MAX, 1);
}

void RegistryTool::run(Task<> task) {
  boost::asio::cancellation_signal cancel;
  boost::asio::signal_set signals(world_.loop, SIGINT, SIGTERM);
  bool interrupted = false;
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    interrupted = true;
    signals.clear();
    cancel.emit(boost::asio::cancellation_type::all);
  });
  const auto failure = run_cancellable(world_.loop, std::move(task), cancel, [&] { return interrupted; });
  if (!failure) return;
  if (interrupted) throw Failure(exit_code::interrupted, "interrupted");
  try {
    std::rethrow_exception(failure);
  } catch (const Failure&) {
    throw;
  } catch (...) {
    const Error error = current_error();
    throw Failure(exit_code_of(error.kind()), text_of(error));
  }
}

registry::Place read_place(const std::string& text) {
  try {
    return registry::Place::parse(text);
  } catch (const Error& error) {
    throw Failure(exit_code::usage, error.what());
  }
}

std::optional<oci::Platform> read_platform(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  try {
    return oci::Platform::parse(*text);
  } catch (const Error& error) {
    throw Failure(exit_code::usage, error.what());
  }
}

}  // namespace sluice::daemon
