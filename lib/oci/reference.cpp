#include "oci/reference.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::oci {
namespace {

// https://github.com/distribution/reference (reference.go, normalize.go): grammar, limits and the completion
// of names that belong to Docker Hub.
constexpr std::size_t longest_path = 255;
constexpr std::size_t longest_host = 255;
constexpr std::size_t longest_tag = 128;
constexpr std::string_view docker_hub = "docker.io";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || is_lower(c) || is_upper(c);
}

template <class Predicate>
bool all(std::string_view text, Predicate predicate) {
  return !text.empty() && std::all_of(text.begin(), text.end(), predicate);
}

/// Calls `check` with each part between separators; true when every part passes.
template <class Check>
bool each_part(std::string_view text, char separator, Check check) {
  while (true) {
    const auto end = text.find(separator);
    if (!check(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

/// [a-z0-9]+ ((\.|_|__|-+) [a-z0-9]+)*
bool is_path_component(std::string_view text) {
  bool after_letter = false;
  for (std::size_t i = 0; i < text.size();) {
    if (is_lower(text[i]) || is_digit(text[i])) {
      after_letter = true;
      ++i;
      continue;
    }
    if (!after_letter) return false;
    const char separator = text[i];
    const auto end = std::min(text.find_first_not_of(separator, i), text.size());
    const auto run = end - i;
    const bool good = separator == '-' || (separator == '.' && run == 1) || (separator == '_' && run <= 2);
    if (!good) return false;
    after_letter = false;
    i = end;
  }
  return after_letter;
}

bool is_host_component(std::string_view text) {
  return all(text, [](char c) { return is_alphanumeric(c) || c == '-'; }) && text.front() != '-' &&
         text.back() != '-';
}

bool is_port(std::string_view text) {
  if (text.size() > 5 || !all(text, is_digit)) return false;
  int value = 0;
  for (const char c : text)
    value = value * 10 + (c - '0');
  return value >= 1 && value <= 65535;
}

/// name[:port], address[:port] or [IPv6][:port]
bool is_host(std::string_view host) {
  if (host.size() > longest_host) return false;
  const auto name_end = host.starts_with('[') ? host.find(']') : host.find(':');
  if (host.starts_with('[')) {
    if (name_end == std::string_view::npos) return false;
    const auto address = host.substr(1, name_end - 1);
    const auto allowed = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || c == ':'; };
    if (!all(address, allowed) || address.find(':') == std::string_view::npos) return false;
    const auto rest = host.substr(name_end + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  if (!each_part(host.substr(0, name_end), '.', is_host_component)) return false;
  return name_end == std::string_view::npos || is_port(host.substr(name_end + 1));
}

[[noreturn]] void refuse(std::string_view whole, std::string_view why) {
  throw Error(ErrorKind::invalid, fmt::format("image name '{}': {}", printable(whole, 300), why));
}

/// The first component names a registry when it cannot be a part of a path on Docker Hub.
bool names_registry(std::string_view component) {
  return component.find_first_of(".:[") != std::string_view::npos || lower(component) == "localhost";
}

void check_path(std::string_view path, std::string_view whole) {
  if (path.empty()) refuse(whole, "the path of the repository is missing");
  if (path.size() > longest_path)
    refuse(whole, fmt::format("the path is longer than {} characters", longest_path));
  if (std::any_of(path.begin(), path.end(), is_upper))
    refuse(whole, "the path of a repository must be lower case");
  if (!is_valid_path(path))
    refuse(whole,
           "the path must be components of a-z and 0-9, joined inside by '.', '_', '__' or '-', separated by "
           "'/'");
}

/// A name without tag and digest; `whole` is for messages.
Repository complete(std::string_view name, std::string_view whole) {
  if (name.empty()) refuse(whole, "it is empty");
  if (name.find("://") != std::string_view::npos) refuse(whole, "leave out the scheme (https://)");
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) {
    // Docker reads such a name as the id of a local image.
    if (name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos)
      refuse(whole, "64 hexadecimal digits are an image id, not a repository");
    std::string path = "library/" + std::string(name);
    check_path(path, whole);
    return {std::string(docker_hub), std::move(path)};
  }
  std::string host(docker_hub);
  auto path = name;
  if (names_registry(name.substr(0, slash))) {
    host = lower(name.substr(0, slash));
    path = name.substr(slash + 1);
    if (!is_host(host))
      refuse(whole, fmt::format("'{}' is not a host with an optional port", printable(host, 300)));
    if (host == "index.docker.io" || host == "registry-1.docker.io") host = docker_hub;
  }
  std::string full(path);
  if (host == docker_hub && path.find('/') == std::string_view::npos) full = "library/" + full;
  check_path(full, whole);
  return {std::move(host), std::move(full)};
}

/// Where the tag's colon is: the last one, when no slash follows (else it belongs to a port).
std::size_t tag_colon(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find('/', colon) != std::string_view::npos)
    return std::string_view::npos;
  return colon;
}

}  // namespace

bool is_valid_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > longest_tag || tag.front() == '.' || tag.front() == '-') return false;
  return all(tag, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_valid_path(std::string_view path) {
  return path.size() <= longest_path && each_part(path, '/', is_path_component);
}

Repository Repository::parse(std::string_view text) {
  if (text.find('@') != std::string_view::npos) refuse(text, "a digest is not allowed here");
  if (text.find("://") == std::string_view::npos && tag_colon(text) != std::string_view::npos)
    refuse(text, "a tag is not allowed here");
  return complete(text, text);
}

std::string Reference::text() const {
  auto result = repository.text();
  if (tag) result += ":" + *tag;
  if (digest) result += "@" + digest->text();
  return result;
}

Reference Reference::parse(std::string_view text) {
  Reference reference;
  auto name = text;
  if (const auto at = name.find('@'); at != std::string_view::npos) {
    reference.digest = Digest::parse(name.substr(at + 1));
    if (!reference.digest)
      refuse(text,
             "what follows '@' must be sha256: with 64 or sha512: with 128 lower-case hexadecimal digits");
    name = name.substr(0, at);
  }
  if (const auto colon = tag_colon(name); colon != std::string_view::npos) {
    reference.tag = std::string(name.substr(colon + 1));
    if (!is_valid_tag(*reference.tag))
      refuse(text,
             "a tag has 1 to 128 letters, digits, '_', '.' and '-', and begins with neither '.' nor '-'");
    name = name.substr(0, colon);
  }
  reference.repository = complete(name, text);
  if (!reference.tag && !reference.digest) reference.tag = "latest";
  return reference;
}

}  // namespace sluice::oci
