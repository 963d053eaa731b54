#include "service_manager.hpp"

#include <chrono>
#include <cstdint>

#include <systemd/sd-daemon.h>

namespace sluice::daemon {
namespace {

// Failing to reach the service manager is no reason to stop serving.
void notify(const std::string& state) {
  sd_notify(/*unset_environment=*/0, state.c_str());
}

}  // namespace

void ServiceManager::ready(const std::string& status) {
  notify("READY=1\nSTATUS=" + status);
}

void ServiceManager::reloading() {
  // CLOCK_MONOTONIC, which is what steady_clock reads.
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady().time_since_epoch());
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()) +
         "\nSTATUS=reading the configuration again");
}

void ServiceManager::stopping(const std::string& status) {
  notify("STOPPING=1\nSTATUS=" + status);
}

void ServiceManager::status(const std::string& status) {
  notify("STATUS=" + status);
}

void ServiceManager::alive() {
  notify("WATCHDOG=1");
}

std::optional<Milliseconds> ServiceManager::watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &microseconds) <= 0) return std::nullopt;
  return Milliseconds(static_cast<std::int64_t>(microseconds / 1000));
}

}  // namespace sluice::daemon
