#pragma once
// The configuration with all kinds of checks and triggers that this program has.

#include "config/config.hpp"

#include <filesystem>
#include <string>

namespace sluice::daemon {

/// Reads the secrets too. Blocks: commands that give secrets are run to their end.
config::Loaded load_config(const std::filesystem::path& file);

/// For whoever only wants to know where the daemon listens: every secret counts as readable.
config::Loaded load_config_without_secrets(const std::filesystem::path& file);

/// The same for a text that is to become that file.
config::Loaded parse_config_without_secrets(const std::string& text, const std::filesystem::path& file);

}  // namespace sluice::daemon
