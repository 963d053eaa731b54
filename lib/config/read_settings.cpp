// Everything but pipelines, dependents and the network: store, server, engine, log, tools, registries.

#include "config/read.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;
constexpr Milliseconds years = std::chrono::days(36'500);

// "none" and "" both mean: not at all.
std::string address(Section& section, const std::string& key, const std::string& fallback) {
  auto text = section.text(key, fallback);
  return text == "none" ? std::string() : text;
}

// The API has no passwords: whoever reaches it may roll back.
void check_api_listen(Section& api, const std::string& listen) {
  if (listen.empty()) return;
  const auto colon = listen.rfind(':');
  const bool has_port = colon != std::string::npos && is_port(std::string_view(listen).substr(colon + 1));
  if (!has_port)
    api.error(api.position("listen"), "'listen' must be ADDRESS:PORT, not '" + printable(listen, 80) + "'",
              "for instance 127.0.0.1:8480, or none");
  else if (!is_loopback(std::string_view(listen).substr(0, colon)))
    api.error(api.position("listen"),
              "only loopback is served without TLS and tokens, not '" + printable(listen, 80) + "'",
              "listen on 127.0.0.1:8480 or [::1]:8480, or put a proxy that asks for credentials before it");
}

Tool read_tool(Section section, Tool tool) {
  if (section.has("program")) tool.program = section.required_text("program");
  tool.arguments = section.texts("arguments");
  tool.environment = section.text_map("environment");
  section.done();
  return tool;
}

// A certificate or key of a registry: wrong paths are told here, not at the first connection.
std::string readable_file(Section& section, const std::string& key, const SecretSources& secrets) {
  if (!section.has(key)) return {};
  auto path = section.required_text(key);
  if (path.empty()) return path;
  std::string why = "files are not available";
  if (!secrets.file || !secrets.file(path, why))
    section.unavailable(section.position(key),
                        "the file '" + printable(path, 200) + "' cannot be read: " + printable(why, 200));
  return path;
}

void read_login(Section& section, Registry& registry) {
  if (!section.has("auth")) return;
  read_auth(section.section("auth"), registry);
  if (registry.plain_http == true && !is_loopback(registry.host))
    section.error(section.position("http"), "a password would go to this registry without encryption",
                  "remove 'http: true', or 'auth'");
}

void read_certificates(Section& section, Registry& registry, const SecretSources& secrets) {
  registry.ca = readable_file(section, "ca", secrets);
  registry.certificate = readable_file(section, "certificate", secrets);
  registry.key = readable_file(section, "key", secrets);
  if (section.has("certificate") != section.has("key"))
    section.error(section.position(section.has("key") ? "key" : "certificate"),
                  "'certificate' and 'key' belong together", "give both, or none");
  if (registry.plain_http == true && (section.has("ca") || section.has("certificate")))
    section.error(section.position("http"), "certificates have no use without TLS",
                  "remove 'http: true', or the certificates");
}

Registry read_registry(const std::string& host, Section& section, const SecretSources& secrets) {
  Registry registry;
  registry.host = host;
  if (section.has("http")) registry.plain_http = section.flag("http", false);
  registry.poll = read_poll(section.section("poll"), registry.poll, secrets);
  registry.concurrency = static_cast<int>(section.integer("concurrency", registry.concurrency, 1, 1000));
  registry.transfers = static_cast<int>(section.integer("transfers", registry.transfers, 1, 1000));
  read_login(section, registry);
  read_certificates(section, registry, secrets);
  read_network(section, registry);
  read_pulls(section, registry);
  section.done();
  return registry;
}

}  // namespace

bool is_port(std::string_view text) {
  int value = -1;
  const auto end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end && value >= 0 && value <= 65'535 && text.size() <= 5;
}

Milliseconds duration_between(Section& section, const std::string& key, Milliseconds fallback,
                              Milliseconds least, Milliseconds most) {
  const auto value = section.duration(key, fallback);
  if (value >= least && value <= most) return value;
  const auto shown = [](Milliseconds time) {
    if (time % std::chrono::days(1) == 0ms && time > 0ms)
      return fmt::format("{}d", time / std::chrono::days(1));
    return time % 1s == 0ms ? fmt::format("{}s", time / 1s) : fmt::format("{}ms", time.count());
  };
  section.error(section.position(key),
                fmt::format("'{}' must be from {} to {}", key, shown(least), shown(most)));
  return fallback;
}

std::string choice(Section& section, const std::string& key, std::string fallback,
                   const std::vector<std::string>& words) {
  auto word = section.text(key, fallback);
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  const auto meant = nearest(word, words);
  section.error(
      section.position(key),
      fmt::format("'{}' must be one of {}, not '{}'", key, fmt::join(words, ", "), printable(word, 80)),
      meant.empty() ? std::string() : "did you mean '" + meant + "'?");
  return fallback;
}

void read_store(Section section, Config& config) {
  if (section.has("path")) config.store_path = section.required_text("path");
  config.keep_runs = duration_between(section, "keep_runs", config.keep_runs, std::chrono::days(1), years);
  section.done();
}

void read_server(Section section, Config& config, const SecretSources& secrets) {
  read_webhook_server(section.section("webhooks"), config, secrets);
  auto api = section.section("api");
  config.api_listen = address(api, "listen", config.api_listen);
  config.api_socket = address(api, "socket", config.api_socket.string());
  check_api_listen(api, config.api_listen);
  // sockaddr_un(7): sun_path has 108 bytes with the closing zero.
  if (config.api_socket.string().size() > 107)
    api.error(api.position("socket"), "the path of the socket is longer than 107 bytes",
              "choose a shorter one");
  if (config.api_listen.empty() && config.api_socket.empty())
    api.error(api.position(), "the API is served nowhere", "keep 'listen' or 'socket'");
  api.done();
  section.done();
}

void read_engine(Section section, Config& config) {
  config.jobs = static_cast<int>(section.integer("jobs", config.jobs, 1, 1000));
  config.lease = duration_between(section, "lease", config.lease, 1s, std::chrono::days(1));
  config.drain = duration_between(section, "drain", config.drain, 0ms, std::chrono::days(1));
  auto retry = section.section("retry");
  config.retry_first = duration_between(retry, "first", config.retry_first, 1ms, std::chrono::days(1));
  config.retry_most = duration_between(retry, "most", config.retry_most, 1ms, std::chrono::days(1));
  config.retry_attempts = static_cast<int>(retry.integer("attempts", config.retry_attempts, 1, 1000));
  if (config.retry_most < config.retry_first)
    retry.error(retry.position("most"), "'most' is shorter than 'first'",
                "waits grow from 'first' to 'most'");
  retry.done();
  section.done();
}

void read_log(Section section, Config& config) {
  config.log_level =
      choice(section, "level", config.log_level, {"trace", "debug", "info", "warning", "error"});
  config.log_format = choice(section, "format", config.log_format, {"auto", "text", "json", "journal"});
  section.done();
}

void read_tools(Section section, Config& config) {
  config.container = read_tool(section.section("container"), std::move(config.container));
  config.builder = read_tool(section.section("builder"), std::move(config.builder));
  section.done();
}

void read_registries(Section& root, Config& config, const SecretSources& secrets) {
  for (auto& [host, section] : root.named_sections("registries")) {
    if (!is_host(host))
      section.error(section.position(), "'" + printable(host, 80) + "' is not the name of a registry",
                    "write it as it stands in image names, for instance registry.example.com:5000");
    config.registries.emplace(host, read_registry(host, section, secrets));
  }
  check_mirrors(root, config);
}

}  // namespace sluice::config
