// `sluice webhooks url NAME`: the address, the secret and the steps on the sender's side.

#include "commands.hpp"
#include "exit_code.hpp"
#include "net/http.hpp"
#include "terminal.hpp"
#include "webhook_entry.hpp"

namespace sluice::daemon {
namespace {

std::string base_of(const config::Config& config) {
  const auto& server = config.webhook_server;
  if (!server.url.empty()) return server.url;
  const std::string scheme = server.certificate.empty() ? "http://" : "https://";
  return scheme + (server.listen.empty() ? std::string("HOST:PORT") : server.listen);
}

}  // namespace

int webhook_url(const WebhookUrlOptions& options) {
  const auto entry = webhook_entry(options.config, options.name, options.reveal);
  const auto& hook = entry.hook;
  auto url = base_of(*entry.config) + "/hooks/" + options.name;
  if (!hook.token.empty())
    url += "/" + (options.reveal ? net::percent_encode(hook.token.reveal()) : std::string("SECRET"));
  print("URL:    " + url);
  print("Secret: " + watch::secret_of(hook));
  if (!hook.token.empty() && !options.reveal)
    print("        It stands where the URL says SECRET; --reveal prints the whole URL.");
  if (entry.config->webhook_server.url.empty())
    print("        Set server.webhooks.url to what senders reach sluice by; this is only where it listens.");
  print("");
  print(watch::steps_of(hook, url));
  return exit_code::ok;
}

}  // namespace sluice::daemon
