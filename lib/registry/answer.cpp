#include "registry/answer.hpp"

#include "core/text.hpp"
#include "net/fields.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr std::size_t shown_bytes = 200;
constexpr std::size_t shown_errors = 3;
constexpr std::string_view white_space = " \t\r\n";

struct Said {
  std::string code;
  std::string message;
};

// Registries differ: the array may be absent, entries may lack a code, the body may be a page for people.
std::vector<Said> errors_in(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  std::vector<Said> said;
  if (!json.is_object() || !json.contains("errors") || !json["errors"].is_array()) return said;
  for (const auto& entry : json["errors"]) {
    if (!entry.is_object() || said.size() == shown_errors) break;
    const auto text = [&](const char* key) {
      return entry.contains(key) && entry[key].is_string() ? entry[key].get<std::string>() : std::string();
    };
    said.push_back({text("code"), text("message")});
  }
  return said;
}

std::string in_their_words(std::string_view body) {
  std::string words;
  for (const auto& [code, message] : errors_in(body)) {
    if (!words.empty()) words += "; ";
    words += printable(code, 64);
    if (!code.empty() && !message.empty()) words += ": ";
    words += printable(message, shown_bytes);
  }
  if (!words.empty()) return " (" + words + ")";
  if (trimmed(body, white_space).empty()) return {};
  return " " + quoted_beginning(body);
}

std::string_view advice(int status) {
  switch (status) {
    case 401:
      return "; it does not exist, is private, or the credentials of this registry are missing or wrong";
    case 403:
      return "; it does not exist, or the credentials of this registry do not allow this";
    case 405:
      return "; the registry does not allow this operation";
    case 413:
      return "; the registry's size limit or quota is exceeded";
    case 429:
      return "; the registry limits the request rate";
    default:
      return "";
  }
}

}  // namespace

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
      return ErrorKind::unauthorized;
    case 403:
      return ErrorKind::denied;
    case 404:
      return ErrorKind::not_found;
    case 429:
      return ErrorKind::rate_limited;
    case 408:
    case 499:
      return ErrorKind::unavailable;  // 499: nginx gave up on its own backend
    default:
      break;
  }
  if (status >= 500) return ErrorKind::unavailable;
  return status >= 400 ? ErrorKind::invalid : ErrorKind::corrupt;
}

std::optional<Time> last_modified(const net::Headers& headers, Time now) {
  const auto header = headers.get("Last-Modified");
  const auto modified = header ? net::parse_http_date(trimmed(*header, white_space)) : std::nullopt;
  if (!modified) return std::nullopt;
  const auto told = headers.get("Date").value_or("");
  const auto date = net::parse_http_date(trimmed(told, white_space));
  const auto theirs = date.value_or(now);
  if (*modified > theirs) return std::nullopt;
  return now - (theirs - *modified);
}

std::vector<std::string> error_codes(std::string_view body) {
  std::vector<std::string> codes;
  for (const auto& said : errors_in(body))
    codes.push_back(said.code);
  return codes;
}

Error error_from(std::string_view who, int status, const net::Headers& headers, std::string_view body,
                 Time now) {
  const std::string text = std::string(who) + " answered " + std::to_string(status) + in_their_words(body) +
                           std::string(advice(status));
  return {kind_of_status(status), text, net::retry_after(headers, now, max_retry_after)};
}

// Go's server, nginx and Apache answer 400, in words of their own, to plain HTTP on a port that wants TLS.
std::string hint(const net::Url& asked, int status, const std::vector<std::string>& codes) {
  if (status == 400 && asked.scheme == "http" && codes.empty())
    return "; it was spoken to without TLS: if it wants TLS, set `http: false` for it under `registries`, "
           "and `ca` unless the system trusts its certificate";
  const bool no_digest = std::find(codes.begin(), codes.end(), "DIGEST_INVALID") != codes.end();
  if (no_digest && asked.target.find("sha512") != std::string::npos)
    return "; it may know sha256 only: an image that is named by sha512 can go to a registry that knows "
           "sha512, or be built and pushed anew";
  return {};
}

bool is_hiccup(const Error& error) {
  return error.kind() == ErrorKind::unavailable && !error.retry_after();
}

std::string content_type(const net::Headers& headers) {
  const std::string value = headers.get("Content-Type").value_or("");
  return lower(trimmed(std::string_view(value).substr(0, value.find(';')), white_space));
}

std::string quoted_beginning(std::string_view body) {
  return "\"" + printable(trimmed(body, white_space), shown_bytes) + "\"";
}

}  // namespace sluice::registry
