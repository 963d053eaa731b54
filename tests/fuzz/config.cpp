// The configuration file, and single values of it.

#include "config/config.hpp"

#include "checks/check.hpp"
#include "config/placeholders.hpp"
#include "core/text.hpp"
#include "target.hpp"
#include "triggers/trigger.hpp"
#include "watch/hook.hpp"

#include <algorithm>

using namespace sluice;
using namespace sluice::fuzz;

namespace {

struct Everything final : config::Part {};

/// Asks for a value of every type.
std::shared_ptr<const config::Part> read_everything(config::Section& section) {
  HOLDS(section.text("text").size() <= 1024 * 1024);
  static_cast<void>(section.required_text("required"));
  static_cast<void>(section.flag("flag", true));
  const auto number = section.integer("integer", 5, -10, 10);
  HOLDS(number >= -10 && number <= 10);
  HOLDS(section.duration("duration", Milliseconds(1)).count() >= 0);
  static_cast<void>(section.texts("texts"));
  static_cast<void>(section.text_map("map"));
  if (const auto reference = section.reference("reference", false))
    HOLDS(oci::Reference::parse(reference->text()) == *reference);
  if (const auto repository = section.repository("repository", true))
    HOLDS(oci::Repository::parse(repository->text()) == *repository);
  static_cast<void>(section.platform("platform"));
  static_cast<void>(section.secret("secret", false));
  auto inner = section.section("section");
  static_cast<void>(inner.only_key("a kind"));
  inner.done();
  for (auto& one : section.sections("sections"))
    one.done();
  for (auto& [name, one] : section.named_sections("named"))
    one.done();
  section.unsupported("later");
  section.done();
  return std::make_shared<Everything>();
}

config::SecretSources secrets() {
  config::SecretSources sources;
  sources.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name.starts_with("NO")) return std::nullopt;
    return "a-secret-of-the-environment";
  };
  sources.file = [](const std::string& path, std::string& why) -> std::optional<std::string> {
    if (path.starts_with("/etc/")) return "a-secret-of-a-file\n";
    why = "no such file";
    return std::nullopt;
  };
  sources.command = [](const std::vector<std::string>& argv, std::string& why) -> std::optional<std::string> {
    HOLDS(!argv.empty());
    why = "exit code 1";
    return std::nullopt;
  };
  sources.credentials_directory = "/etc/credentials";
  return sources;
}

void load(const std::string& text) {
  config::Parts parts{.checks = checks::table(), .triggers = triggers::table(), .webhook = watch::parse_hook};
  parts.checks["everything"] = read_everything;
  const auto loaded = config::parse(text, "sluice.yaml", parts, secrets());
  HOLDS((loaded.config != nullptr) == loaded.diagnostics.ok());
  HOLDS(loaded.diagnostics.errors.size() <= 1001);
  const auto lines = 1 + std::ranges::count(text, '\n') + std::ranges::count(text, '\r');
  for (const auto& error : loaded.diagnostics.errors) {
    HOLDS(error.at.line >= 0 && error.at.line <= lines + 1 && error.at.column >= 0);
    HOLDS(!error.message.empty() && is_showable(error.message) && is_showable(error.advice));
    HOLDS(error.message.size() <= 4096 && error.advice.size() <= 4096);
    // What the file itself says may be quoted.
    HOLDS(text.find("a-secret") != std::string::npos ||
          (error.message + error.advice).find("a-secret") == std::string::npos);
  }
  HOLDS(is_showable(loaded.diagnostics.text(), true));
}

}  // namespace

SLUICE_FUZZ_TARGET(config_file, "config") {
  load(std::string(input));
}

// The mapping of a check that reads values of every type.
SLUICE_FUZZ_TARGET(config_section) {
  std::string text =
      "pipelines:\n  - name: node\n    upstream: docker.io/library/node:9\n"
      "    staging: r.example.com/staging/node\n    promote: {to: r.example.com/base/node, tags: [\"9\", "
      "\"9-{run}\"]}\n"
      "    checks:\n      - everything:\n";
  for (const auto& line : lines_of(input, 1000))
    text += "          " + line + "\n";
  load(text);
}

SLUICE_FUZZ_TARGET(config_placeholders) {
  const config::Values values{{"image", "{digest}"}, {"digest", "sha256:0"}, {"run", ""}};
  const auto filled = config::fill(input, values);
  HOLDS(filled.size() <= input.size() * 2);
  HOLDS(config::fill(input, {}) == input);
}
