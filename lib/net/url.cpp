#include "net/url.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>

#include <spdlog/fmt/fmt.h>

// By hand and not by Boost.URL: version 1.81 reads "http://a:5x/" as port 5 and path "x/", and its resolve()
// undoes escapes in paths ("%2F"), which changes the meaning of signed and of registry URLs.
namespace sluice::net {
namespace {

constexpr std::size_t length_limit = 16 * 1024;
constexpr std::size_t host_limit = 253;  // RFC 1035 2.3.4

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Without escapes: pchar, "/" and "?" of RFC 3986 3.3 and 3.4.
bool is_target_character(char c) {
  constexpr std::string_view others = "-._~!$&'()*+,;=:@/?";
  return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
}

bool is_target(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return false;
      at += 2;
    } else if (!is_target_character(text[at])) {
      return false;
    }
  }
  return true;
}

bool is_name_character(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

bool is_address_character(char c) {
  return is_hex(c) || c == ':' || c == '.';
}

std::uint16_t default_port(std::string_view scheme) {
  if (scheme == "https") return 443;
  return scheme == "http" ? 80 : 0;
}

// The query may hold a signature, the part before '@' a password: neither is shown.
std::string shown(std::string_view text) {
  text = text.substr(0, text.find_first_of("?#"));
  if (text.find('@') != std::string_view::npos)
    return "...@" + printable(text.substr(text.rfind('@') + 1), 200);
  return printable(text, 200);
}

[[noreturn]] void refuse_url(std::string_view text, std::string_view why) {
  throw Error(ErrorKind::invalid, fmt::format("the URL \"{}\" cannot be used: {}", shown(text), why));
}

std::uint16_t parse_port(std::string_view digits, std::string_view text) {
  unsigned value = 0;
  const char* end = digits.data() + digits.size();
  auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end || value == 0 || value > 65535)
    refuse_url(text, "its port is not between 1 and 65535");
  return static_cast<std::uint16_t>(value);
}

// "host", "host:port", "[v6]" or "[v6]:port".
void parse_authority(Url& url, std::string_view authority, std::string_view text) {
  if (authority.find('@') != std::string_view::npos) refuse_url(text, "it holds a user name or password");
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) refuse_url(text, "its address has no closing bracket");
    url.host = lower(authority.substr(1, close - 1));
    in6_addr address{};
    // inet_pton() would not look behind a NUL.
    if (!std::all_of(url.host.begin(), url.host.end(), is_address_character) ||
        ::inet_pton(AF_INET6, url.host.c_str(), &address) != 1)
      refuse_url(text, "it holds a malformed IPv6 address");
    port = authority.substr(close + 1);
    if (!port.empty() && port.front() != ':') refuse_url(text, "something follows its address");
  } else {
    const auto colon = authority.find(':');
    url.host = lower(authority.substr(0, colon));
    port = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
    if (url.host.empty()) refuse_url(text, "it names no host");
    if (url.host.size() > host_limit) refuse_url(text, "its host name is too long");
    if (!std::all_of(url.host.begin(), url.host.end(), is_name_character))
      refuse_url(text, "its host name holds characters that no host name has");
  }
  url.port = port.size() <= 1 ? default_port(url.scheme) : parse_port(port.substr(1), text);
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// RFC 3986 5.2.4 on a path that starts with '/': "." and ".." segments are taken out, escapes stay as they
// are.
std::string remove_dots(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const auto end = path.find('/', 1);
    const std::string_view segment = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end);
    const bool last = path.empty();
    if (segment == "/.." || segment == "/.") {
      if (segment == "/..") result.erase(std::min(result.size(), result.rfind('/')));
      if (last) result += '/';
    } else {
      result += segment;
    }
  }
  return result;
}

bool has_scheme(std::string_view location) {
  const auto end = location.find_first_of(":/?");
  return end != std::string_view::npos && location[end] == ':';
}

// RFC 3986 5.2.2 for a reference without scheme and authority.
std::string resolve_target(std::string_view own, std::string_view location) {
  if (location.empty()) return std::string(own);
  const std::string_view path = path_of(location);
  const std::string_view query = location.substr(path.size());
  const std::string_view own_path = path_of(own);
  if (path.empty()) return std::string(own_path) + std::string(query);
  std::string merged(path);
  if (path.front() != '/') merged = std::string(own_path.substr(0, own_path.rfind('/') + 1)) + merged;
  return remove_dots(merged) + std::string(query);
}

}  // namespace

Url Url::parse(std::string_view text) {
  if (text.size() > length_limit) refuse_url(text, "it is longer than 16 KiB");
  const auto mark = text.find("://");
  if (mark == std::string_view::npos) refuse_url(text, "it is not an absolute URL (http://host/path)");
  Url url;
  url.scheme = lower(text.substr(0, mark));
  if (url.scheme != "http" && url.scheme != "https") refuse_url(text, "only http and https are supported");
  std::string_view rest = text.substr(mark + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  parse_authority(url, authority, text);
  url.target = rest.substr(authority.size());
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (!is_target(url.target)) refuse_url(text, "its path or query holds characters that must be escaped");
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
  if (location.size() > length_limit)
    throw Error(ErrorKind::corrupt, "the peer sent a location longer than 16 KiB");
  const std::string_view plain = location.substr(0, location.find('#'));
  try {
    if (has_scheme(plain) || plain.starts_with("//")) {
      if (scheme == "unix") refuse_url(plain, "it leads from a Unix socket to another host");
      return parse(has_scheme(plain) ? std::string(plain) : scheme + ":" + std::string(plain));
    }
    Url url = *this;
    url.target = resolve_target(target, plain);
    if (!is_target(url.target)) refuse_url(plain, "its path or query holds characters that must be escaped");
    return url;
  } catch (const Error& error) {
    throw Error(ErrorKind::corrupt, error.what()).within("the peer sent a bad location");
  }
}

}  // namespace sluice::net
