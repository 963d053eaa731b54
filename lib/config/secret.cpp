// Secrets are references; what they refer to, and what stands in their place by mistake, is never shown.

#include "config/document.hpp"
#include "config/section_impl.hpp"
#include "core/text.hpp"

#include <array>
#include <string_view>

#include <yaml-cpp/yaml.h>

namespace sluice::config {
namespace {

constexpr const char* reference_forms =
    "use {file: PATH}, {env: NAME}, {credential: NAME} or {command: [PROGRAM, ARGUMENT]}";

// What came of one reference: a value, or why there is none.
struct Found {
  std::optional<std::string> value;
  std::string why = {};
  bool may_pass = false;  // the reason
};

Found from_file(const SecretSources& sources, const std::string& path, const std::string& what) {
  Found found{.value = {}, .may_pass = true};
  if (sources.file) found.value = sources.file(path, found.why);
  found.why = what + " cannot be read: " +
              (found.why.empty() ? "files are not available" : printable(found.why, 200));
  return found;
}

Found read_file(const SecretSources& sources, const std::string& path) {
  if (!path.starts_with('/')) return {std::nullopt, "the path of a secret file must begin with '/'"};
  return from_file(sources, path, "the secret file '" + printable(path, 200) + "'");
}

Found read_environment(const SecretSources& sources, const std::string& name) {
  Found found;
  if (sources.environment) found.value = sources.environment(name);
  found.why = "the environment variable '" + printable(name, 80) + "' is not set";
  return found;
}

// systemd.exec(5), "Credentials": names are plain file names.
Found read_credential(const SecretSources& sources, const std::string& name) {
  const auto shown = "the credential '" + printable(name, 80) + "'";
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    return {std::nullopt, shown + " must be a plain name"};
  if (sources.credentials_directory.empty())
    return {std::nullopt,
            shown + " cannot be read: the service manager gave none ($CREDENTIALS_DIRECTORY is not set)"};
  return from_file(sources, sources.credentials_directory + "/" + name, shown);
}

Found run_command(const SecretSources& sources, const std::vector<std::string>& argv) {
  if (argv.empty() || argv.front().empty()) return {std::nullopt, "the command of the secret is empty"};
  if (!sources.command) return {std::nullopt, "secrets from commands are not available here"};
  Found found{.value = {}, .may_pass = true};
  found.value = sources.command(argv, found.why);
  found.why = "the command of the secret failed: " + printable(found.why, 200);
  return found;
}

void strip_line_end(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

// The one reference of the mapping, read. The key of an unknown one may itself be a misplaced secret: not
// shown.
Found read_reference(Section& reference, const Section::Impl& entries, const SecretSources& sources) {
  if (entries.entries.size() == 1) {
    const auto& way = entries.entries.front().key;
    if (way == "file") return read_file(sources, reference.required_text("file"));
    if (way == "env") return read_environment(sources, reference.required_text("env"));
    if (way == "credential") return read_credential(sources, reference.required_text("credential"));
    if (way == "command") return run_command(sources, reference.texts("command"));
  }
  return {std::nullopt, "the secret must say where it comes from, in one way"};
}

}  // namespace

SecretSources placeholder_secrets() {
  const auto anything = [](const auto&, std::string&) -> std::optional<std::string> { return "-"; };
  SecretSources sources;
  sources.environment = [](const std::string&) -> std::optional<std::string> { return "-"; };
  sources.file = anything;
  sources.command = anything;
  sources.credentials_directory = "/";
  sources.placeholders = true;
  return sources;
}

bool Section::knows_secrets() const {
  return !impl_->context->secrets.placeholders;
}

Secret Section::secret(const std::string& key, bool required) {
  const auto* entry = impl_->ask(key);
  const auto name = "'" + printable(key, 80) + "'";
  if (!entry) {
    if (required) error(impl_->at, name + " is missing", reference_forms);
    return {};
  }
  const auto at = config::position_of(*entry);
  if (!entry->value.IsMap()) {
    error(at, name + " must not stand in the file itself: it is a secret", reference_forms);
    return {};
  }
  auto reference = section(key);
  auto found = read_reference(reference, *reference.impl_, impl_->context->secrets);
  if (!found.value) {
    const auto message = name + ": " + found.why;
    found.may_pass ? unavailable(at, message, reference_forms) : error(at, message, reference_forms);
    return {};
  }
  strip_line_end(*found.value);
  if (found.value->empty()) error(at, name + ": the secret is empty", "put a value where it comes from");
  return Secret(std::move(*found.value));
}

}  // namespace sluice::config
