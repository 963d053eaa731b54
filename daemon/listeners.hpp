#pragma once
// The doors of the API: a Unix socket and a loopback address, each optional. And that of webhooks.

#include "api/api.hpp"
#include "config/config.hpp"
#include "net/server.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::daemon {

/// "127.0.0.1:8480", "[::1]:8480", "localhost:0". Throws Error(invalid) for anything that is not a loopback
/// address with a port: the API knows no passwords, so it must not be reached from elsewhere.
net::TcpEndpoint parse_listen(const std::string& text);

struct Listener {
  std::string name;  // for the log: "unix:/run/sluice/sluice.sock", "http://127.0.0.1:8480"
  std::unique_ptr<net::Server> server;
};

/// Binds what the configuration asks for. Event-loop thread.
std::vector<Listener> open_listeners(boost::asio::any_io_executor executor, Clock& clock,
                                     const config::Config& config, api::Api& api);

/// What the listener of webhooks proves itself with; null for plain HTTP. Throws Error(invalid).
std::shared_ptr<net::ServerTls> webhook_tls(const config::WebhookServer& settings);

/// Binds the listener of webhooks, if the configuration has any webhook and an address for them.
std::optional<Listener> open_webhook_listener(boost::asio::any_io_executor executor, Clock& clock,
                                              const config::Config& config, net::Handler handler);

}  // namespace sluice::daemon
