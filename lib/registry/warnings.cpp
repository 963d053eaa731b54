#include "registry/warnings.hpp"

#include "core/text.hpp"

#include <optional>
#include <string_view>
#include <utility>

namespace sluice::registry {
namespace {

constexpr std::size_t shown_warning = 500;

/// What stands in quotes at the beginning, which is taken away with them (RFC 9110, section 5.6.4). Nullopt
/// when the quotes are not closed.
std::optional<std::string> take_quoted(std::string_view& rest) {
  std::string text;
  for (std::size_t at = 1; at < rest.size(); ++at) {
    if (rest[at] == '"') {
      rest.remove_prefix(at + 1);
      return text;
    }
    if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
    text += rest[at];
  }
  return std::nullopt;
}

void read_line(std::string_view rest, std::vector<std::string>& texts) {
  constexpr std::string_view begin = "299 - \"";
  for (rest = trimmed(rest); rest.starts_with(begin); rest = trimmed(rest, " \t,")) {
    rest.remove_prefix(begin.size() - 1);
    auto text = take_quoted(rest);
    if (!text) return;
    texts.push_back(std::move(*text));
  }
}

}  // namespace

std::vector<std::string> warnings_in(const net::Headers& headers) {
  std::vector<std::string> texts;
  std::size_t left = max_warning_bytes;
  for (const auto& line : headers.all("Warning")) {
    if (line.size() > left) break;
    left -= line.size();
    read_line(line, texts);
  }
  return texts;
}

std::vector<std::string> Warnings::news(const std::string& registry, const net::Headers& headers) {
  std::vector<std::string> fresh;
  for (const auto& text : warnings_in(headers)) {
    auto& told = told_[registry];
    auto shown = printable(text, shown_warning);
    if (told.size() < most && told.insert(shown).second) fresh.push_back(std::move(shown));
  }
  return fresh;
}

}  // namespace sluice::registry
