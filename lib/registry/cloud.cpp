#include "registry/cloud.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/fields.hpp"
#include "registry/answer.hpp"
#include "registry/endpoint.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr std::size_t max_cloud_answer = 256 * 1024;
constexpr double least_seconds = 60;
constexpr double usual_seconds = 3600;
constexpr double longest_seconds = 24 * 3600;

bool is_code_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
         c == '#';
}

// OAuth2 says "error" (RFC 6749, section 5.2), AWS "__type" or "code".
std::string error_code_in(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return {};
  for (const char* member : {"error", "__type", "code"}) {
    const auto found = json.find(member);
    if (found == json.end() || !found->is_string()) continue;
    const auto& code = found->get_ref<const std::string&>();
    if (code.size() <= 80 && std::all_of(code.begin(), code.end(), is_code_character))
      return " (" + code + ")";
  }
  return {};
}

}  // namespace

net::Request metadata_request(const std::string& base, const std::string& target) {
  net::Request request;
  request.url = net::Url::parse(base + target);
  request.reach.metadata = true;
  request.proxies = std::make_shared<const net::Proxies>();
  request.headers.add("Accept", "application/json");
  // It is on the machine itself or next to it; where it does not answer at once there is none.
  request.connect_timeout = std::chrono::seconds(2);
  request.header_timeout = std::chrono::seconds(10);
  return request;
}

Task<std::string> ask_cloud(net::Client& http, Clock& clock, net::Request request, std::string who) {
  const std::string host = printable(request.url.authority(), 200);
  try {
    const auto response = co_await http.send(std::move(request));
    std::string body = co_await response->read_all(max_cloud_answer);
    const int status = response->status();
    if (status == 200) co_return body;
    const auto kind = kind_of_status(status);
    const bool later = kind == ErrorKind::rate_limited || kind == ErrorKind::unavailable;
    throw Error(later ? kind : ErrorKind::unauthorized,
                host + " answered " + std::to_string(status) + error_code_in(body),
                net::retry_after(response->headers(), clock.now(), max_retry_after));
  } catch (const Error& error) {
    throw Error(error).within(who);
  }
}

net::Request cloud_request(const Endpoint& endpoint, const std::string& url) {
  net::Request request;
  request.url = net::Url::parse(url);
  request.proxies = endpoint.access.proxies;
  return request;
}

Secret secret_in(std::string_view json, const char* member, const std::string& who) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (parsed.is_object()) {
    const auto found = parsed.find(member);
    if (found != parsed.end() && found->is_string()) {
      const auto& text = found->get_ref<const std::string&>();
      const bool sendable =
          std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
      if (!text.empty() && sendable) return Secret(text);
    }
  }
  throw Error(ErrorKind::corrupt, who + " gave an answer without a usable \"" + member + "\"");
}

Milliseconds lifetime_in(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  double seconds = usual_seconds;
  if (parsed.is_object() && parsed.contains("expires_in")) {
    const auto& value = parsed["expires_in"];
    if (value.is_number()) seconds = value.get<double>();
    if (value.is_string()) {  // Azure
      const auto& text = value.get_ref<const std::string&>();
      unsigned digits = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), digits).ec == std::errc()) seconds = digits;
    }
  }
  if (!(seconds > 0)) seconds = usual_seconds;
  return Milliseconds(
      static_cast<Milliseconds::rep>(std::clamp(seconds, least_seconds, longest_seconds) * 1000));
}

Task<Secret> secret_file(CloudWorld& world, std::string path) {
  auto read = [path, &surroundings = world.surroundings] {
    Surroundings::File file;
    file.trouble = "files are not available";
    if (surroundings.file) file = surroundings.file(path);
    return file;
  };
  auto file = co_await world.workers.run(std::move(read));
  const std::string shown = "the file " + printable(path, 300);
  if (!file.content)
    throw Error(ErrorKind::invalid,
                shown + " cannot be read: " +
                    (file.trouble.empty() ? "there is no such file" : printable(file.trouble, 200)));
  auto& text = *file.content;
  while (text.ends_with('\n') || text.ends_with('\r'))
    text.pop_back();
  const bool sendable = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  if (text.empty() || !sendable) throw Error(ErrorKind::invalid, shown + " holds no token");
  co_return Secret(std::move(text));
}

void require_tls(const std::string& scheme, const std::string& host) {
  if (scheme == "https" || is_loopback_host(host)) return;
  throw Error(ErrorKind::invalid,
              "what a cloud gives for " + printable(host, 200) + " would go there without TLS");
}

}  // namespace sluice::registry
