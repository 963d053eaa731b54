#pragma once
// One webhook of a configuration file, for the commands that need no daemon.

#include "config/config.hpp"
#include "watch/hook.hpp"

#include <memory>
#include <string>

namespace sluice::daemon {

struct WebhookEntry {
  std::shared_ptr<const config::Config> config;
  const watch::Hook& hook;
};

/// Throws Failure when the file has mistakes or no such webhook. Without `secrets`, none is read.
WebhookEntry webhook_entry(const std::string& file, const std::string& name, bool secrets);

}  // namespace sluice::daemon
