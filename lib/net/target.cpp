#include "net/target.hpp"

#include "net/http.hpp"

#include <algorithm>

namespace sluice::net {
namespace {

std::optional<std::string> decode(std::string_view text) {
  auto decoded = percent_decode(text);
  if (decoded && decoded->find('\0') != std::string::npos) return std::nullopt;
  return decoded;
}

std::optional<std::string> decode_form(std::string_view text) {
  std::string blanks(text);
  std::replace(blanks.begin(), blanks.end(), '+', ' ');
  return decode(blanks);
}

// "http://host/path" becomes "/path".
std::string_view without_origin(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return text;
  const auto path = text.find('/', text.find("://") + 3);
  return path == std::string_view::npos ? std::string_view("/") : text.substr(path);
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  text = without_origin(text);
  if (text.empty() || text.front() != '/') return std::nullopt;
  const auto mark = text.find('?');
  auto path = decode(text.substr(0, mark));
  if (!path) return std::nullopt;
  Target target;
  target.path = std::move(*path);
  std::string_view rest = mark == std::string_view::npos ? std::string_view{} : text.substr(mark + 1);
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decode_form(pair.substr(0, equals));
    auto value = decode_form(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return target;
}

}  // namespace sluice::net
