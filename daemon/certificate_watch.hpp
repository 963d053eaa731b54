#pragma once
// Certificates are renewed while the daemon runs: the files of the listener's are looked at every few
// seconds.

#include "config/config.hpp"
#include "core/clock.hpp"
#include "core/workers.hpp"
#include "net/server.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sluice::daemon {

/// Event-loop thread, but for the reading of files, which is done by workers.
class CertificateWatch {
 public:
  CertificateWatch(Clock& clock, Workers& workers) : clock_(clock), workers_(workers) {}
  /// What the listener uses from now on; without a certificate there is nothing to look at.
  void in_use(const config::WebhookServer& settings);
  /// Gives each new pair that fits to `use`, until cancelled. One that does not fit is told once, and what is
  /// in use stays: of two files one is always written first. An end of validity that is near is told once a
  /// day.
  Task<> run(std::function<void(std::shared_ptr<net::ServerTls>)> use);

 private:
  struct Pair {
    std::string certificate;
    Secret key;
    std::string why;  // they cannot be read
  };
  Task<> look();
  void take(Pair pair);
  void complain(const std::string& why);
  void warn_of_end();

  Clock& clock_;
  Workers& workers_;
  std::function<void(std::shared_ptr<net::ServerTls>)> use_;
  std::string certificate_path_, key_path_;
  std::string certificate_;
  Secret key_;
  unsigned generation_ = 0;   // of in_use()
  std::string doubt_, told_;  // what was wrong at the last look, and what was told
  std::optional<Steady> next_warning_;
};

}  // namespace sluice::daemon
