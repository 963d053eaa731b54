#include "load_config.hpp"

#include "checks/check.hpp"
#include "secret_sources.hpp"
#include "triggers/trigger.hpp"
#include "watch/hook.hpp"

namespace sluice::daemon {
namespace {

config::Parts all_parts() {
  return {.checks = checks::table(), .triggers = triggers::table(), .webhook = watch::parse_hook};
}

}  // namespace

config::Loaded load_config(const std::filesystem::path& file) {
  return config::load(file, all_parts(), system_secret_sources());
}

config::Loaded load_config_without_secrets(const std::filesystem::path& file) {
  return config::load(file, all_parts(), placeholder_secret_sources());
}

config::Loaded parse_config_without_secrets(const std::string& text, const std::filesystem::path& file) {
  return config::parse(text, file, all_parts(), placeholder_secret_sources());
}

}  // namespace sluice::daemon
