#pragma once
// What systemd is told (sd_notify(3)). Says nothing when the process is not run by it.

#include "core/clock.hpp"

#include <optional>
#include <string>

namespace sluice::daemon {

class ServiceManager {
 public:
  explicit ServiceManager(const Clock& clock) : clock_(clock) {}
  void ready(const std::string& status);
  /// Until the next ready(). systemd 252 knows no Type=notify-reload, but newer ones read the same two
  /// fields.
  void reloading();
  void stopping(const std::string& status);
  void status(const std::string& status);
  void alive();
  /// How long the service manager waits for alive(); nullopt when it does not watch this process.
  static std::optional<Milliseconds> watchdog_interval();

 private:
  const Clock& clock_;
};

}  // namespace sluice::daemon
