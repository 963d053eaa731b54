#pragma once
// The daemon as a process: everything made, joined, run, reloaded and stopped.

#include "api/api.hpp"
#include "certificate_watch.hpp"
#include "config/config.hpp"
#include "core/clock.hpp"
#include "core/launcher.hpp"
#include "core/random.hpp"
#include "core/workers.hpp"
#include "engine/engine.hpp"
#include "engine/task_group.hpp"
#include "listeners.hpp"
#include "net/client.hpp"
#include "service_manager.hpp"
#include "shared_network.hpp"
#include "store/store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace sluice::daemon {

class Process {
 public:
  /// Opens the store and binds the listeners. Throws Error with what a person can do about it.
  explicit Process(std::shared_ptr<const config::Config> config);
  /// Serves until SIGTERM or SIGINT, then drains. Throws what ended it otherwise.
  void run();

 private:
  Task<> live();
  Task<> obey_signals();
  Task<> reload();
  Task<> reload_once();
  Task<> feed_watchdog();
  Task<> end_services();
  void open_webhooks(const config::Config& config);
  void serve_webhooks();
  void begin_stop(const std::string& why);
  void hurry_stop();
  bool loops_come_round(Milliseconds patience) const;
  std::string summary() const;

  // In the order of making; undone in the opposite one.
  boost::asio::io_context loop_{1};
  SystemClock clock_;
  SeededRandom random_;
  Workers workers_{2};
  SystemLauncher launcher_{clock_};
  std::unique_ptr<store::Store> store_;
  SharedNetwork network_;
  std::unique_ptr<net::Client> http_;
  engine::Engine engine_;
  api::Api api_;
  std::vector<Listener> listeners_;
  std::optional<Listener> webhooks_;
  config::WebhookServer webhooks_opened_;           // the settings that webhooks_ was opened with
  CertificateWatch certificate_{clock_, workers_};  // that of webhooks_
  boost::asio::signal_set signals_;
  ServiceManager service_{clock_};
  engine::TaskGroup serving_;
  engine::TaskGroup helpers_;
  std::shared_ptr<const config::Config> first_config_;
  std::map<std::string, std::string> names_;  // of users, by id
  bool stopping_ = false;
  bool reloading_ = false;
  bool reload_again_ = false;
};

/// LogFormat for the configuration's word: "auto", "text", "json", "journal".
void apply_log_settings(const config::Config& config);

}  // namespace sluice::daemon
