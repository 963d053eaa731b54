#pragma once
// Checks and triggers as the configuration makes them, from the text of their part alone.

#include "config/config.hpp"

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>

namespace sluice::test {

/// The text put under `checks:` (or `rebuild:`) of a configuration that is good otherwise.
struct PartText {
  config::Parts parts;
  /// YAML of other top-level keys ("tools", "registries").
  std::string more{};
  /// By path, for secrets; others are real ones.
  std::map<std::string, std::string> files{};

  config::Loaded check(const std::string& text) const {
    return load("    checks:\n" + indented("- " + text, 6), "");
  }
  config::Loaded trigger(const std::string& text) const {
    return load(
        "",
        "dependents:\n  - image: r.example.com/team/app:latest\n    from: [r.example.com/base/node:9]\n"
        "    rebuild:\n" +
            indented(text, 6));
  }

 private:
  static std::string indented(const std::string& text, std::size_t columns) {
    std::istringstream lines(text);
    std::string result;
    std::string start(columns, ' ');
    for (std::string line; std::getline(lines, line);) {
      result += start + line + "\n";
      if (line.starts_with("- ")) start = std::string(columns + 2, ' ');
    }
    return result;
  }
  config::Loaded load(const std::string& checks, const std::string& dependents) const {
    config::SecretSources sources;
    sources.environment = [](const std::string&) { return std::optional<std::string>(); };
    sources.file = [this](const std::string& path, std::string& why) -> std::optional<std::string> {
      if (const auto found = files.find(path); found != files.end()) return found->second;
      std::ifstream real(path);
      if (real) return std::string(std::istreambuf_iterator<char>(real), {});
      why = "no such file";
      return std::nullopt;
    };
    return config::parse(
        "pipelines:\n  - name: node\n    upstream: docker.io/library/node:9\n"
        "    staging: r.example.com/staging/node\n" +
            checks + "    promote: {to: r.example.com/base/node, tags: [\"9\", \"9-{run}\"]}\n" + dependents +
            more,
        "sluice.yaml", parts, sources);
  }
};

}  // namespace sluice::test
