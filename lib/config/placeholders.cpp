#include "config/placeholders.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <tuple>

namespace sluice::config {
namespace {

constexpr std::string_view name_characters = "abcdefghijklmnopqrstuvwxyz_";

// The next {name} of lower-case letters at or after `from`: its place, and the name, which is empty at the
// end.
std::pair<std::size_t, std::string_view> next_name(std::string_view text, std::size_t from) {
  for (auto open = text.find('{', from); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const auto close = text.find_first_not_of(name_characters, open + 1);
    if (close != std::string_view::npos && text[close] == '}' && close > open + 1)
      return {open, text.substr(open + 1, close - open - 1)};
  }
  return {text.size(), {}};
}

}  // namespace

std::string fill(std::string_view text, const Values& values) {
  std::string result;
  std::size_t done = 0;
  for (auto [at, name] = next_name(text, 0); !name.empty(); std::tie(at, name) = next_name(text, at + 1)) {
    const auto value = std::find_if(values.begin(), values.end(),
                                    [&, n = name](const auto& known) { return known.first == n; });
    if (value == values.end()) continue;
    result += text.substr(done, at - done);
    result += value->second;
    done = at + name.size() + 2;
  }
  return result + std::string(text.substr(done));
}

std::vector<std::string> fill(const std::vector<std::string>& texts, const Values& values) {
  std::vector<std::string> result;
  result.reserve(texts.size());
  for (const auto& text : texts)
    result.push_back(fill(text, values));
  return result;
}

Values as_environment(const Values& values) {
  Values result;
  for (const auto& [name, value] : values) {
    std::string variable = "SLUICE_";
    for (const char c : name)
      variable += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    result.emplace_back(std::move(variable), value);
  }
  return result;
}

void check_placeholders(Section& section, const std::string& key, const std::vector<std::string>& texts,
                        const std::vector<std::string>& known) {
  for (const auto& text : texts) {
    for (auto [at, name] = next_name(text, 0); !name.empty(); std::tie(at, name) = next_name(text, at + 1)) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const auto meant = nearest(name, known);
      if (!meant.empty())
        section.error(section.position(key), "unknown placeholder {" + std::string(name) + "}",
                      "did you mean {" + meant + "}?");
    }
  }
}

void check_environment(Section& section, const std::string& key, const Values& environment) {
  for (const auto& [name, value] : environment) {
    const bool valid =
        !name.empty() && (name.front() < '0' || name.front() > '9') &&
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
            std::string::npos;
    if (!valid)
      section.error(section.position(key),
                    "'" + printable(name) + "' cannot be the name of an environment variable",
                    "use letters, digits and underscores");
    else if (name.starts_with("SLUICE_"))
      section.error(section.position(key), "'" + name + "' is set by sluice itself", "choose another name");
    if (value.find('\0') != std::string::npos)
      section.error(section.position(key), "the value of '" + printable(name) + "' holds a zero byte");
  }
}

}  // namespace sluice::config
