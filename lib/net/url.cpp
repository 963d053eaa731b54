#include "net/url.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

constexpr std::size_t length_limit = 16 * 1024;
constexpr std::size_t host_limit = 253;  // RFC 1035 2.3.4

std::uint16_t default_port(std::string_view scheme) {
  if (scheme == "https") return 443;
  return scheme == "http" ? 80 : 0;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  // The query may hold a signature, so it is not quoted.
  auto shown = text.substr(0, text.find_first_of("?#"));
  throw Error(ErrorKind::invalid,
              fmt::format("the URL \"{}\" cannot be used: {}", printable(shown, 200), why));
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

std::string host_of(const boost::urls::url_view& view, std::string_view text) {
  using boost::urls::host_type;
  if (view.host_type() == host_type::ipv6) {
    auto bracketed = view.encoded_host();
    std::string inside(bracketed.data() + 1, bracketed.size() - 2);
    return lower(inside);
  }
  if (view.host_type() == host_type::ipvfuture) refuse(text, "unknown kind of IP address");
  std::string host = lower(std::string_view(view.encoded_host().data(), view.encoded_host().size()));
  if (host.empty()) refuse(text, "it names no host");
  if (host.size() > host_limit) refuse(text, "its host name is too long");
  if (!std::all_of(host.begin(), host.end(), is_name_character))
    refuse(text, "its host name holds characters that no host name has");
  return host;
}

std::uint16_t port_of(const boost::urls::url_view& view, std::string_view scheme, std::string_view text) {
  if (!view.has_port() || view.port().empty()) return default_port(scheme);
  auto digits = view.port();
  unsigned value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0 || value > 65535)
    refuse(text, "its port is not between 1 and 65535");
  return static_cast<std::uint16_t>(value);
}

std::string target_of(const boost::urls::url_view& view) {
  std::string target(view.encoded_path().data(), view.encoded_path().size());
  if (target.empty()) target = "/";
  if (view.has_query()) {
    target += '?';
    target.append(view.encoded_query().data(), view.encoded_query().size());
  }
  return target;
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

}  // namespace

Url Url::parse(std::string_view text) {
  if (text.size() > length_limit) refuse(text, "it is longer than 16 KiB");
  auto parsed = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
  if (!parsed) refuse(text, "it is not an absolute URL (http://host/path)");
  const boost::urls::url_view& view = *parsed;
  Url url;
  url.scheme = lower(std::string_view(view.scheme().data(), view.scheme().size()));
  if (url.scheme != "http" && url.scheme != "https") refuse(text, "only http and https are supported");
  if (!view.has_authority()) refuse(text, "it names no host");
  if (view.has_userinfo()) throw Error(ErrorKind::invalid, "a URL must not hold a user name or password");
  url.host = host_of(view, text);
  url.port = port_of(view, url.scheme, text);
  url.target = target_of(view);
  return url;
}

Url Url::on_socket(std::string_view path, std::string_view target) {
  Url url;
  url.scheme = "unix";
  url.host = path;
  url.target = target;
  return url;
}

std::string Url::authority() const {
  if (scheme == "unix") return "localhost";
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != 0 && port != default_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::text() const {
  if (scheme == "unix") return "unix:" + host + ":" + target;
  return scheme + "://" + authority() + target;
}

std::string Url::without_query() const {
  Url plain = *this;
  plain.target = path_of(target);
  return plain.text();
}

bool Url::same_origin(const Url& other) const {
  return scheme == other.scheme && host == other.host && port == other.port;
}

Url Url::resolve(std::string_view location) const {
  // A socket URL has no text form of RFC 3986: resolve on a stand-in and take only the target back.
  if (scheme == "unix") {
    Url stand_in{"http", "localhost", 80, target};
    Url resolved = stand_in.resolve(location);
    if (!resolved.same_origin(stand_in) || location.substr(0, 2) == "//" ||
        lower(location).starts_with("http"))
      throw Error(ErrorKind::corrupt, "a peer on a Unix socket points to another host");
    return on_socket(host, resolved.target);
  }
  if (location.size() > length_limit)
    throw Error(ErrorKind::corrupt, "the peer sent a location longer than 16 KiB");
  auto reference =
      boost::urls::parse_uri_reference(boost::urls::string_view(location.data(), location.size()));
  const std::string own = text();
  auto base = boost::urls::parse_uri(boost::urls::string_view(own.data(), own.size()));
  boost::urls::url resolved;
  if (!reference || !base || !boost::urls::resolve(*base, *reference, resolved)) {
    auto shown = location.substr(0, location.find_first_of("?#"));
    throw Error(ErrorKind::corrupt,
                fmt::format("the peer sent a location that is no URL: \"{}\"", printable(shown, 200)));
  }
  try {
    return parse(std::string_view(resolved.buffer().data(), resolved.buffer().size()));
  } catch (const Error& error) {
    throw Error(ErrorKind::corrupt, error.what()).within("the peer sent a bad location");
  }
}

}  // namespace sluice::net
