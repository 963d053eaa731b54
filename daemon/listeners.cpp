#include "listeners.hpp"

#include "api/guard.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <charconv>

namespace sluice::daemon {

namespace {

// Address and port, as they are.
net::TcpEndpoint split(const std::string& text) {
  const auto colon = text.rfind(':');
  net::TcpEndpoint endpoint;
  const auto* const end = text.data() + text.size();
  const auto read = colon == std::string::npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                               : std::from_chars(text.data() + colon + 1, end, endpoint.port);
  if (read.ec != std::errc() || read.ptr != end)
    throw Error(ErrorKind::invalid,
                "'" + printable(text, 80) + "' is not an address with a port, such as 127.0.0.1:8480");
  endpoint.address = text.substr(0, colon);
  if (endpoint.address.starts_with('['))
    endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
  return endpoint;
}

std::string url_of(const net::TcpEndpoint& endpoint, const net::Server& server, bool tls = false) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  const auto host = v6 ? "[" + endpoint.address + "]" : endpoint.address;
  return (tls ? "https://" : "http://") + host + ":" + std::to_string(server.port());
}

}  // namespace

net::TcpEndpoint parse_listen(const std::string& text) {
  auto endpoint = split(text);
  if (!api::is_loopback_host(text))
    throw Error(ErrorKind::invalid,
                "the API must listen on a loopback address, not on '" + printable(text, 80) + "'");
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  if (!v6 && !endpoint.address.starts_with("127."))
    endpoint.address = "127.0.0.1";  // "localhost", without asking anybody what that is
  return endpoint;
}

std::vector<Listener> open_listeners(boost::asio::any_io_executor executor, Clock& clock,
                                     const config::Config& config, api::Api& api) {
  std::vector<Listener> listeners;
  net::ServerLimits limits;
  limits.body_bytes = 64 * 1024;  // bodies are a few texts
  if (!config.api_socket.empty()) {
    net::UnixEndpoint endpoint{.path = config.api_socket};
    auto server = net::listen(executor, clock, endpoint, api.handler(api::Door::unix_socket), limits);
    listeners.push_back({"unix:" + config.api_socket.string(), std::move(server)});
  }
  if (!config.api_listen.empty()) {
    auto endpoint = parse_listen(config.api_listen);
    auto server = net::listen(executor, clock, endpoint, api.handler(api::Door::loopback), limits);
    auto name = url_of(endpoint, *server);
    listeners.push_back({std::move(name), std::move(server)});
  }
  return listeners;
}

std::shared_ptr<net::ServerTls> webhook_tls(const config::WebhookServer& settings) {
  if (settings.certificate.empty()) return nullptr;
  return net::make_server_tls(settings.certificate_pem, settings.key_pem);
}

std::optional<Listener> open_webhook_listener(boost::asio::any_io_executor executor, Clock& clock,
                                              const config::Config& config, net::Handler handler) {
  const auto& settings = config.webhook_server;
  if (config.webhooks.empty() || settings.listen.empty()) return std::nullopt;
  auto endpoint = split(settings.listen);
  if (endpoint.address == "localhost") endpoint.address = "127.0.0.1";
  net::ServerLimits limits;
  limits.connections = static_cast<std::size_t>(settings.connections);
  limits.body_timeout = std::chrono::seconds(10);
  limits.header_timeout = std::chrono::seconds(5);
  auto tls = webhook_tls(settings);
  const bool secure = tls != nullptr;
  auto server = net::listen(executor, clock, endpoint, std::move(handler), limits, std::move(tls));
  auto name = url_of(endpoint, *server, secure) + "/hooks/";
  return Listener{std::move(name), std::move(server)};
}

}  // namespace sluice::daemon
