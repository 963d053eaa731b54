#pragma once
// Reading one mapping of a YAML file: typed getters that note every mistake with line and column and go on.

#include "config/diagnostics.hpp"
#include "core/clock.hpp"
#include "core/secret.hpp"
#include "oci/platform.hpp"
#include "oci/reference.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::config {

/// Where secrets and the files that a configuration needs come from; given by the caller so that config reads
/// no environment and starts no process by itself.
struct SecretSources {
  std::function<std::optional<std::string>(const std::string& name)> environment;
  /// Content of a file; nullopt and a reason in `why` when it cannot be read.
  std::function<std::optional<std::string>(const std::string& path, std::string& why)> file;
  /// Output of a command; nullopt and a reason when it fails. May be empty: then commands are refused.
  std::function<std::optional<std::string>(const std::vector<std::string>& argv, std::string& why)> command;
  /// The TZif file of a time zone ("Europe/Berlin"); nullopt and a reason when there is none. May be empty:
  /// then only UTC is known.
  std::function<std::optional<std::string>(const std::string& name, std::string& why)> time_zone;
  /// Directory of systemd credentials ($CREDENTIALS_DIRECTORY), empty when there is none.
  std::string credentials_directory;
  /// What these give stands for the secrets where nobody needs them: its form means nothing.
  bool placeholders = false;
};

/// Every secret and every file exists, and means nothing: for whoever looks at a configuration without being
/// the daemon.
SecretSources placeholder_secrets();

/// A cursor on one YAML mapping. Each getter marks its key as known; done() reports the unknown ones with a
/// suggestion. A getter of an absent key returns its default; of a malformed value notes the mistake and
/// returns the default.
class Section {
 public:
  struct Impl;
  explicit Section(std::shared_ptr<Impl> impl);

  bool has(const std::string& key) const;
  /// Whether the value under a key is a mapping; for keys that take a short and a long form.
  bool is_mapping(const std::string& key) const;
  /// The keys and values as the file has them, without comments. Tells whether something was changed.
  std::string written() const;
  Position position() const;
  Position position(const std::string& key) const;
  /// Of an item of the list under a key.
  Position position(const std::string& key, std::size_t index) const;
  void error(Position at, std::string message, std::string advice = {});
  /// What the file refers to cannot be had now (Diagnostic::may_pass).
  void unavailable(Position at, std::string message, std::string advice = {});

  std::string text(const std::string& key, std::string fallback = {});
  /// Notes an error when absent or empty.
  std::string required_text(const std::string& key, const std::string& advice = {});
  bool flag(const std::string& key, bool fallback);
  std::int64_t integer(const std::string& key, std::int64_t fallback, std::int64_t least, std::int64_t most);
  Milliseconds duration(const std::string& key, Milliseconds fallback);
  std::vector<std::string> texts(const std::string& key);
  /// A list of texts, or one text alone.
  std::vector<std::string> one_or_more_texts(const std::string& key);
  /// A mapping of names to texts, in file order.
  std::vector<std::pair<std::string, std::string>> text_map(const std::string& key);
  std::optional<oci::Reference> reference(const std::string& key, bool required);
  std::optional<oci::Repository> repository(const std::string& key, bool required);
  std::optional<oci::Platform> platform(const std::string& key);
  /// {file: P} | {env: N} | {credential: N} | {command: [..]}; trailing newline stripped; never quoted in
  /// messages.
  Secret secret(const std::string& key, bool required);
  /// Whether secret() gives the secrets themselves, whose form can be checked.
  bool knows_secrets() const;
  /// The mapping under a key; an empty one when absent.
  Section section(const std::string& key);
  /// Mappings of a list. With a `short_key`, an item that is one text stands for {short_key: text}.
  std::vector<Section> sections(const std::string& key, const std::string& short_key = {});
  /// Keys and mappings of a mapping of mappings, in file order (an empty value counts as an empty mapping).
  std::vector<std::pair<std::string, Section>> named_sections(const std::string& key);
  /// For a mapping with exactly one key ("container: {...}") beside those asked for so far: that key, empty
  /// with an error noted otherwise.
  std::string only_key(const std::string& what);
  /// Notes an error when the key is there: a later version has it.
  void unsupported(const std::string& key);
  /// Every key must have been asked for; reports the others.
  void done();

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::config
