// webhook: a signed message to any address that builds.

#include "core/text.hpp"
#include "net/standard_webhooks.hpp"
#include "triggers/answer.hpp"
#include "triggers/kinds.hpp"
#include "triggers/values.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <utility>

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::triggers {
namespace {

// "Keep the payload small" (Standard Webhooks, "Payload size": under 20 kB).
constexpr std::size_t largest_body = 20'000;

struct WebhookSettings {
  net::Url url;
  Secret key;
  Secret authorization;
  config::Values headers;
  Milliseconds timeout{};
};

bool is_loopback(const std::string& host) {
  in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
  return host == "localhost" || host == "::1";
}

// Only the origin: path and query of an address may be what keeps it secret.
std::string shown(const net::Url& url) {
  return url.scheme + "://" + url.authority();
}

std::string replace_all(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

// What the client says of a failure names the address without its query.
Error without_path(const Error& error, const net::Url& url) {
  return {error.kind(), replace_all(error.what(), url.without_query(), shown(url)), error.retry_after()};
}

// Receivers like to repeat what they were asked for: "Cannot POST /hooks/...".
std::string without_path(std::string answer, const net::Url& url) {
  const auto path = std::string_view(url.target).substr(0, url.target.find('?'));
  for (const auto secret : {std::string_view(url.target), path})
    if (secret.size() > 1) answer = replace_all(std::move(answer), secret, "/...");
  return answer;
}

// The same for every repeat, as its id is.
std::string body_of(const Rebuild& rebuild) {
  nlohmann::ordered_json data;
  for (const auto& [name, value] : values_of(rebuild))
    if (name != "idempotency_key") data[name] = value;
  nlohmann::ordered_json body{
      {"type", "image.updated"}, {"timestamp", format_time_exact(rebuild.at)}, {"data", std::move(data)}};
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

class WebhookTrigger final : public Trigger {
 public:
  explicit WebhookTrigger(WebhookSettings settings) : settings_(std::move(settings)) {}

  Task<std::string> send(Rebuild rebuild, Context context) const override {
    net::Request request = request_of(rebuild, context.clock.now());
    std::unique_ptr<net::Response> response;
    try {
      response = co_await context.http.send(std::move(request));
    } catch (const Error& error) {
      throw without_path(error, settings_.url);
    }
    const int status = response->status();
    if (status >= 200 && status < 300) co_return status_line(status);
    std::string body = co_await beginning(*response);
    body = without_path(std::move(body), settings_.url);
    throw error_from(shown(settings_.url), status, response->headers(), body, context.clock.now());
  }

 private:
  net::Request request_of(const Rebuild& rebuild, Time now) const {
    net::Request request;
    request.method = "POST";
    request.url = settings_.url;
    request.body = body_of(rebuild);
    if (request.body.size() >= largest_body)
      throw Error(ErrorKind::invalid, "the message for " + shown(settings_.url) + " is larger than 20 kB");
    request.headers =
        net::standard_webhooks::signed_headers(settings_.key, rebuild.idempotency_key, now, request.body);
    request.headers.set("Content-Type", "application/json");
    for (const auto& [name, value] : settings_.headers)
      request.headers.set(name, value);
    if (!settings_.authorization.empty())
      request.headers.set("Authorization", std::string(settings_.authorization.reveal()));
    request.max_redirects = 0;
    request.connect_timeout = std::min(settings_.timeout, Milliseconds(std::chrono::seconds(10)));
    request.header_timeout = settings_.timeout;
    request.idle_timeout = std::min(settings_.timeout, Milliseconds(std::chrono::seconds(10)));
    return request;
  }

  WebhookSettings settings_;
};

void read_url(config::Section& section, WebhookSettings& settings) {
  const auto text = section.required_text("url", "the address that takes the message, https://...");
  const bool allow_http = section.flag("allow_http", false);
  if (text.empty()) return;
  try {
    settings.url = net::Url::parse(text);
  } catch (const Error& error) {
    section.error(section.position("url"), error.what(),
                  "for instance https://builds.example.com/hooks/base");
    return;
  }
  if (settings.url.scheme == "https") return;
  if (settings.url.scheme != "http")
    section.error(section.position("url"), "'url' must be https",
                  "for instance https://builds.example.com/hooks/base");
  else if (!allow_http && !is_loopback(settings.url.host))
    section.error(section.position("url"), "'url' is not encrypted", "use https, or set allow_http: true");
}

void read_headers(config::Section& section, WebhookSettings& settings) {
  settings.headers = section.text_map("headers");
  for (const auto& [name, value] : settings.headers) {
    const std::string key = lower(name);
    const bool token = !name.empty() &&
                       key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos;
    const bool printing = std::all_of(
        value.begin(), value.end(), [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= ' '; });
    const auto at = section.position("headers");
    if (!token || !printing)
      section.error(at, "'" + printable(name) + "' is not a valid header");
    else if (key == "authorization")
      section.error(at, "a header that holds a secret cannot stand here", "use authorization: {file: PATH}");
    else if (key.starts_with("webhook-") || key.starts_with("content-") || key == "host" ||
             key == "transfer-encoding" || key == "connection")
      section.error(at, "'" + name + "' is set by sluice itself", "choose another name");
  }
}

}  // namespace

std::shared_ptr<const config::Part> parse_webhook(config::Section& section) {
  WebhookSettings settings;
  read_url(section, settings);
  read_headers(section, settings);
  const auto secret = section.secret("secret", true);
  if (auto key = net::standard_webhooks::signing_key(secret))
    settings.key = std::move(*key);
  else if (!secret.empty() && section.knows_secrets())
    section.error(section.position("secret"),
                  "the secret is not of the form whsec_BASE64 with 24 to 64 bytes",
                  "make one with: echo whsec_$(openssl rand -base64 32)");
  settings.authorization = section.secret("authorization", false);
  const auto credential = settings.authorization.reveal();
  if (std::any_of(credential.begin(), credential.end(),
                  [](char c) { return static_cast<unsigned char>(c) < ' '; }))
    section.error(section.position("authorization"), "the value of 'authorization' spans several lines");
  settings.timeout = section.duration("timeout", std::chrono::seconds(30));
  if (settings.timeout <= Milliseconds::zero())
    section.error(section.position("timeout"), "'timeout' must be longer than nothing", "for instance 30s");
  section.done();
  return std::make_shared<WebhookTrigger>(std::move(settings));
}

}  // namespace sluice::triggers
