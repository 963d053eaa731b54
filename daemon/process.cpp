#include "process.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "load_config.hpp"
#include "surroundings.hpp"
#include "user_name.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <unistd.h>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace sluice::daemon {
namespace {

// Answers in hand when the daemon stops may take this long.
constexpr auto last_answers = std::chrono::seconds(5);
// A stop that was asked for twice, and still hangs, is made an end after this; what is on disk is whole at
// any instant.
constexpr unsigned hard_stop_seconds = 15;
// The engine's loops come round at least every five seconds when they are idle.
constexpr Milliseconds least_patience{15'000};

engine::World world_of(Clock& clock, Random& random, Workers& workers, Launcher& launcher, net::Client& http,
                       store::Store& store) {
  return {.clock = clock,
          .random = random,
          .workers = workers,
          .launcher = launcher,
          .http = http,
          .store = store,
          .surroundings = daemon_surroundings()};
}

std::unique_ptr<store::Store> open_store(const std::filesystem::path& path, Random& random) {
  store::StoreOptions options;
  options.path = path;
  options.new_instance = random_hex(random, 8);
  return store::Store::open(std::move(options));
}

LogFormat log_format_from(const std::string& name) {
  if (name == "text") return LogFormat::text;
  if (name == "json") return LogFormat::json;
  if (name == "journal") return LogFormat::journal;
  return LogFormat::automatic;
}

// What a running daemon cannot change, each with a word for the log. `webhooks`: what their listener was
// opened with, null while there is none.
std::vector<std::string> needs_restart(const config::Config& now, const config::WebhookServer* webhooks,
                                       const config::Config& wanted) {
  std::vector<std::string> changed;
  if (now.store_path != wanted.store_path) changed.emplace_back("store.path");
  if (now.api_listen != wanted.api_listen) changed.emplace_back("server.api.listen");
  if (now.api_socket != wanted.api_socket) changed.emplace_back("server.api.socket");
  if (webhooks && webhooks->listen != wanted.webhook_server.listen)
    changed.emplace_back("server.webhooks.listen");
  if (webhooks && webhooks->connections != wanted.webhook_server.connections)
    changed.emplace_back("server.webhooks.connections");
  return changed;
}

void log_diagnostics(const config::Diagnostics& diagnostics) {
  for (const auto& error : diagnostics.errors)
    spdlog::error("{}:{}:{}: {}{}{}", diagnostics.file, error.at.line, error.at.column, error.message,
                  error.advice.empty() ? "" : "; ", error.advice);
}

}  // namespace

void apply_log_settings(const config::Config& config) {
  set_up_logging(log_format_from(config.log_format), config.log_level);
}

Process::Process(std::shared_ptr<const config::Config> config)
    : random_(entropy()),
      store_(open_store(config->store_path, random_)),
      network_(*config),
      http_(net::make_client(clock_, workers_, network_.client_options())),
      engine_(world_of(clock_, random_, workers_, launcher_, *http_, *store_), config),
      api_(engine_, *store_, clock_,
           {.version = SLUICE_VERSION,
            .started = clock_.now(),
            .pid = ::getpid(),
            .user_name =
                [this](const std::string& uid) {
                  auto& name = names_[uid];
                  if (name.empty()) name = user_name(uid);
                  return name;
                }}),
      listeners_(open_listeners(loop_.get_executor(), clock_, *config, api_)),
      webhooks_(open_webhook_listener(loop_.get_executor(), clock_, *config, engine_.webhook_handler())),
      webhooks_opened_(config->webhook_server),
      signals_(loop_, SIGTERM, SIGINT, SIGHUP),
      first_config_(std::move(config)) {
  certificate_.in_use(first_config_->webhook_server);
}

void Process::run() {
  std::exception_ptr failure;
  boost::asio::co_spawn(loop_, live(), [&](std::exception_ptr error) { failure = error; });
  loop_.run();
  if (failure) std::rethrow_exception(failure);
}

Task<> Process::live() {
  const auto executor = loop_.get_executor();
  for (auto& listener : listeners_) {
    spdlog::info("API on {}", listener.name);
    serving_.start(executor, "API on " + listener.name, listener.server->serve());
  }
  if (webhooks_) serve_webhooks();
  helpers_.start(executor, "signals", obey_signals());
  helpers_.start(executor, "watchdog", feed_watchdog());
  helpers_.start(executor, "certificate", certificate_.run([this](std::shared_ptr<net::ServerTls> tls) {
    if (webhooks_) webhooks_->server->use(std::move(tls));
  }));
  spdlog::info("sluice {} {}", SLUICE_VERSION, summary());
  service_.ready(summary());
  std::exception_ptr failure;
  try {
    co_await engine_.run();
  } catch (...) {
    failure = std::current_exception();
  }
  co_await end_services();
  if (failure) std::rethrow_exception(failure);
  spdlog::info("stopped");
}

// Nothing may be left on the loop when the members it uses are gone.
Task<> Process::end_services() {
  api_.shut();
  for (auto& listener : listeners_)
    listener.server->stop();
  if (webhooks_) webhooks_->server->stop();
  const bool answered = co_await serving_.wait_empty(clock_, clock_.steady() + last_answers);
  if (!answered) serving_.cancel_all();
  helpers_.cancel_all();
  co_await serving_.wait_empty(clock_, clock_.steady() + last_answers);
  co_await helpers_.wait_empty(clock_, clock_.steady() + last_answers);
  http_->close_idle();
}

Task<> Process::obey_signals() {
  while (true) {
    const int number = co_await signals_.async_wait(boost::asio::use_awaitable);
    if (number == SIGHUP) {
      reload_again_ = true;
      if (!reloading_ && !stopping_) helpers_.start(loop_.get_executor(), "reload", reload());
    } else if (!stopping_) {
      begin_stop(number == SIGINT ? "SIGINT" : "SIGTERM");
    } else {
      hurry_stop();
    }
  }
}

void Process::begin_stop(const std::string& why) {
  stopping_ = true;
  const auto drain = engine_.config()->drain;
  spdlog::info("{}: stopping; what is in hand may take {} ms", why, drain.count());
  service_.stopping("ending what is in hand");
  engine_.stop();
}

void Process::hurry_stop() {
  spdlog::warn("asked to stop again: ending what is in hand now; the next start takes it up");
  engine_.cancel_jobs();
  ::alarm(hard_stop_seconds);
}

// Each step may be done again, so a reload that breaks off (nothing can be written) is begun anew.
Task<> Process::reload() {
  constexpr Milliseconds pause{std::chrono::seconds(5)};
  reloading_ = true;
  while (std::exchange(reload_again_, false)) {
    std::optional<Error> failure;
    try {
      co_await reload_once();
    } catch (...) {
      failure = current_error();
    }
    if (!failure) continue;
    if (stopping_ || failure->kind() == ErrorKind::cancelled) break;
    spdlog::error("the reload could not be finished, trying again in {} s: {}", pause.count() / 1000,
                  failure->what());
    service_.ready("a reload could not be finished and is tried again; " + summary());
    co_await clock_.sleep_for(pause);
    reload_again_ = true;
  }
  reloading_ = false;
}

Task<> Process::reload_once() {
  service_.reloading();
  const auto file = first_config_->file;
  // Reading runs the commands that give secrets, which may take a while.
  auto read = [file] { return load_config(file); };
  auto loaded = co_await workers_.run(std::move(read));
  if (!loaded.config) {
    log_diagnostics(loaded.diagnostics);
    spdlog::error("reload refused: {} has mistakes; the configuration stays as it was", file.string());
    service_.ready("the new configuration has mistakes, the one before stays in force; " + summary());
    co_return;
  }
  const auto* webhooks = webhooks_ ? &webhooks_opened_ : nullptr;
  for (const auto& key : needs_restart(*first_config_, webhooks, *loaded.config))
    spdlog::warn("{} changed; that needs a restart, the value before stays in force", key);
  apply_log_settings(*loaded.config);
  network_.use(*loaded.config);
  co_await engine_.reload(loaded.config);
  open_webhooks(*loaded.config);
  spdlog::info("reloaded {}: {}", file.string(), summary());
  service_.ready(summary());
}

// The first webhook of a reload needs a listener; the last one that goes leaves one that knows no name.
void Process::open_webhooks(const config::Config& config) {
  if (stopping_) return;
  const bool was_open = webhooks_.has_value();
  try {
    if (was_open)
      webhooks_->server->use(webhook_tls(config.webhook_server));
    else
      webhooks_ = open_webhook_listener(loop_.get_executor(), clock_, config, engine_.webhook_handler());
    certificate_.in_use(config.webhook_server);
  } catch (const Error& error) {
    spdlog::error("{}: {}",
                  was_open ? "webhooks: the certificate before stays in use" : "webhooks are not received",
                  error.what());
  }
  if (!webhooks_ || was_open) return;
  webhooks_opened_ = config.webhook_server;
  serve_webhooks();
}

void Process::serve_webhooks() {
  spdlog::info("webhooks on {}", webhooks_->name);
  serving_.start(loop_.get_executor(), "webhooks on " + webhooks_->name, webhooks_->server->serve());
}

bool Process::loops_come_round(Milliseconds patience) const {
  if (stopping_) return true;  // they are meant to end
  for (const auto& [name, beat] : engine_.heartbeats())
    if (clock_.steady() - beat > patience) return false;
  return true;
}

Task<> Process::feed_watchdog() {
  const auto interval = ServiceManager::watchdog_interval();
  if (!interval) co_return;
  while (true) {
    std::string trouble;
    if (!loops_come_round(std::max(*interval, least_patience)))
      trouble = "a loop of the engine does not come round";
    try {
      // The writer and a reader each prove that they live; on a full disk they do, and a restart would not
      // help.
      co_await store_->write([](store::Tables&) {});
      co_await store_->read([](store::Tables&) {});
    } catch (...) {
      trouble = current_error().what();
    }
    if (trouble.empty())
      service_.alive();
    else
      spdlog::error("the watchdog is not fed: {}", trouble);
    co_await clock_.sleep_for(*interval / 2);
  }
}

std::string Process::summary() const {
  const auto config = engine_.config();
  return "watching " + std::to_string(config->pipelines.size()) + " pipelines for " +
         std::to_string(config->dependents.size()) + " dependents";
}

}  // namespace sluice::daemon
