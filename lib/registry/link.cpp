#include "registry/link.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <string_view>

namespace sluice::registry {
namespace {

/// Where the next separator is that stands outside of quotes; the end of the text when there is none.
std::size_t next_outside_quotes(std::string_view text, char separator, std::size_t at) {
  bool quoted = false;
  for (; at < text.size(); ++at) {
    if (quoted && text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      quoted = !quoted;
    else if (text[at] == separator && !quoted)
      return at;
  }
  return text.size();
}

/// rel="next", rel=next, and rel="prev next": a list of words.
bool says_next(std::string_view parameters) {
  while (!parameters.empty()) {
    const auto end = next_outside_quotes(parameters, ';', 0);
    const auto one = trimmed(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    const auto equals = one.find('=');
    if (equals == std::string_view::npos || lower(trimmed(one.substr(0, equals))) != "rel") continue;
    std::string value = lower(trimmed(one.substr(equals + 1)));
    std::erase(value, '"');
    return (" " + value + " ").find(" next ") != std::string::npos;
  }
  return false;
}

}  // namespace

std::optional<std::string> next_link(const std::vector<std::string>& lines) {
  for (const std::string_view line : lines)
    for (std::size_t at = line.find('<'); at < line.size(); at = line.find('<', at)) {
      const auto close = line.find('>', at);
      if (close == std::string_view::npos) break;
      const auto end = next_outside_quotes(line, ',', close + 1);
      if (says_next(line.substr(close + 1, end - close - 1)))
        return std::string(line.substr(at + 1, close - at - 1));
      at = end;
    }
  return std::nullopt;
}

}  // namespace sluice::registry
