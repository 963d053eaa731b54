// Where webhooks are received, and from whom.

#include "config/read.hpp"
#include "core/certificate.hpp"
#include "core/text.hpp"

namespace sluice::config {
namespace {

void check_hooks_listen(Section& section, const std::string& listen) {
  if (listen.empty()) return;
  const auto colon = listen.rfind(':');
  const auto host = std::string_view(listen).substr(0, colon);
  const bool has_port = colon != std::string::npos && is_port(std::string_view(listen).substr(colon + 1));
  if (!has_port || (host != "localhost" && !parse_address(host)))
    section.error(section.position("listen"),
                  "'listen' must be ADDRESS:PORT, not '" + printable(listen, 80) + "'",
                  "for instance 0.0.0.0:8481 or [::]:8481, or none");
}

std::string base_url(Section& section) {
  auto url = section.text("url");
  while (url.ends_with('/'))
    url.pop_back();
  const bool http = url.starts_with("https://") || url.starts_with("http://");
  if (!url.empty() && (!http || url.find_first_of(" ?#") != std::string::npos))
    section.error(section.position("url"), "'url' must be what senders reach this listener by",
                  "for instance https://hooks.example.com");
  return url;
}

// The content of a file that is named under a key; nullopt, and told, when it cannot be read.
std::optional<std::string> named_file(Section& section, const std::string& key, std::string& path,
                                      const SecretSources& secrets) {
  path = section.required_text(key);
  if (path.empty()) return std::nullopt;
  std::string why = "files are not available";
  auto content = secrets.file ? secrets.file(path, why) : std::nullopt;
  if (!content)
    section.unavailable(section.position(key),
                        "the file '" + printable(path, 200) + "' cannot be read: " + printable(why, 200),
                        "check its path, and that the user that sluice runs as may read it");
  return content;
}

// A pair that does not fit is told here, and not by the first sender that cannot connect.
void read_listener_certificate(Section& section, WebhookServer& server, const SecretSources& secrets) {
  if (!section.has("certificate") && !section.has("key")) return;
  if (!section.has("certificate") || !section.has("key"))
    return section.error(section.position(section.has("key") ? "key" : "certificate"),
                         "'certificate' and 'key' belong together", "give both, or none for plain HTTP");
  auto certificate = named_file(section, "certificate", server.certificate, secrets);
  auto key = named_file(section, "key", server.key, secrets);
  if (!certificate || !key) return;
  server.certificate_pem = std::move(*certificate);
  server.key_pem = Secret(std::move(*key));
  if (secrets.placeholders) return;
  if (const auto fault = fault_of_pair(server.certificate_pem, server.key_pem))
    section.error(section.position(fault->in_key ? "key" : "certificate"),
                  "'" + printable(fault->in_key ? server.key : server.certificate, 200) + "': " + fault->why,
                  fault->advice);
}

}  // namespace

void read_webhook_server(Section section, Config& config, const SecretSources& secrets) {
  auto& server = config.webhook_server;
  server.listen = section.text("listen", server.listen);
  if (server.listen == "none") server.listen.clear();
  check_hooks_listen(section, server.listen);
  server.url = base_url(section);
  read_listener_certificate(section, server, secrets);
  const auto proxies = section.texts("trusted_proxies");
  for (std::size_t i = 0; i < proxies.size(); ++i)
    if (const auto network = parse_network(proxies[i]))
      server.trusted_proxies.push_back(*network);
    else
      section.error(section.position("trusted_proxies", i),
                    "'" + printable(proxies[i], 80) + "' is not an address or a network",
                    "for instance 10.0.0.0/8 or 2001:db8::1");
  server.connections = static_cast<int>(section.integer("connections", server.connections, 1, 100'000));
  server.rate = static_cast<int>(section.integer("rate", server.rate, 1, 1'000'000));
  section.done();
}

void read_webhooks(Section& root, Config& config, const Parts& parts) {
  if (!parts.webhook) {
    root.unsupported("webhooks");
    return;
  }
  for (auto& [name, section] : root.named_sections("webhooks")) {
    // The name is part of an address.
    if (!is_name(name))
      section.error(section.position(), "'" + printable(name, 80) + "' cannot be the name of a webhook",
                    "use up to 64 letters, digits, '-', '_' and '.', beginning with a letter or digit");
    Webhook webhook{.name = name, .part = parts.webhook(section), .at = section.position()};
    if (webhook.part) config.webhooks.push_back(std::move(webhook));
  }
}

}  // namespace sluice::config
